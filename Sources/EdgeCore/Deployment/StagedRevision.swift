import HedgerowAPI

/// A revision that was checked and can be switched to; its recipes are on disk.
struct StagedRevision: Sendable {
    /// The revision, with its lock.
    let revision: Hedgerow_Type_V1_GroupRevision
    /// Its component instances, compiled.
    let components: [RunningComponent]

    init(_ revision: Hedgerow_Type_V1_GroupRevision, components: [RunningComponent] = []) {
        self.revision = revision
        self.components = components
    }
}
