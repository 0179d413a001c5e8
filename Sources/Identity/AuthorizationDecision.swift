/// What the authorisation table says about one call.
public enum AuthorizationDecision: Hashable, Sendable {
    /// The call may go on.
    case allowed
    /// The call may not go on, and why.
    case denied(AuthorizationDenial)

    /// Whether the call may go on.
    public var isAllowed: Bool { self == .allowed }
}

/// Why a call may not go on. The raw value is the reason on the wire.
public enum AuthorizationDenial: String, CaseIterable, Hashable, Sendable {
    /// The caller showed no identity of this cloud. On the wire: UNAUTHENTICATED.
    case noIdentity = "NO_IDENTITY"
    /// The caller's role may not call this method on this server. On the wire: PERMISSION_DENIED.
    case roleNotAllowed = "ROLE_NOT_ALLOWED"
    /// The caller's role may, but not for this resource. On the wire: PERMISSION_DENIED.
    case notYourResource = "NOT_YOUR_RESOURCE"
}
