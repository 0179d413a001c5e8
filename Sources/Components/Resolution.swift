/// What the instances of a group were resolved to, and why.
public struct Resolution: Hashable, Sendable {
    /// One entry an instance: first those of the group in their order, then those that dependencies added, by
    /// name.
    public let lock: [LockedComponent]
    /// By instance: every range that is asked of it, that of the group first.
    public let reasons: [String: [ResolutionReason]]
    /// Versions that were tried.
    public let steps: Int

    init(lock: [LockedComponent] = [], reasons: [String: [ResolutionReason]] = [:], steps: Int = 0) {
        self.lock = lock
        self.reasons = reasons
        self.steps = steps
    }
}
