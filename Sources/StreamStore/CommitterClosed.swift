/// The committer has ended; nothing was stored.
public struct CommitterClosed: Error, Sendable, CustomStringConvertible {
    /// One sentence.
    public var description: String { "the database is shutting down; nothing was stored" }

    init() {}
}
