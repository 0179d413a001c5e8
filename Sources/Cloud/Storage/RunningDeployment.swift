import Components

/// What a core runs, as far as the cloud knows: the deployment that it finished last.
struct RunningDeployment: Hashable, Sendable {
    /// The deployment's place among all.
    var sequence: Int64
    var revision: RevisionRecord
    var lock: [LockedComponent]
}
