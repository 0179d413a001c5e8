/// What happened to shadows, from one snapshot.
public struct ShadowEventPage: Sendable {
    /// In the order of their changes.
    public let events: [ShadowEvent]
    /// Number of the change to go on behind.
    public let last: Int64
    /// Whether there was nothing more.
    public let isAtEnd: Bool
}
