/// Why artifacts of a revision are not on this core. Nothing that runs was touched.
struct ArtifactProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of problem it is.
    enum Kind: String, Hashable, Sendable {
        /// They do not fit `artifacts.maximum` beside what must stay.
        case quota
        /// The disk has no room for them.
        case diskFull
        /// The disk failed.
        case storage
        /// What the cloud sends is not what the revision names.
        case mismatch
        /// The cloud has it not, or does not give it to this core.
        case refused
        /// It took longer than it may.
        case timedOut
        /// The task was cancelled: something newer took its place, or the core stops.
        case cancelled
    }

    let kind: Kind
    /// One sentence without a full stop: which artifact, what is wrong, what to do.
    let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
