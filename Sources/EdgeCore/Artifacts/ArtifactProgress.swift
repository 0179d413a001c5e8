import Components

/// How far the artifacts of a revision are.
struct ArtifactProgress: Hashable, Sendable {
    /// The one that is being fetched.
    let artifact: ArtifactReference
    /// Bytes of it that are here.
    let held: UInt64
    /// Bytes of all that are missing, those of this one included, when it began.
    let total: UInt64
    /// Bytes of those that are here by now.
    let done: UInt64
}
