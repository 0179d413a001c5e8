/// What a core does with a revision that fails after it switched to it (semantics, section 5).
public enum FailurePolicy: String, Hashable, Sendable, Codable, CaseIterable {
    /// It goes back to the revision before.
    case rollback
    /// It stays on the new one.
    case stay
}
