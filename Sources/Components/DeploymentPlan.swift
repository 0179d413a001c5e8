/// What deploying a revision would do on a core, computed by comparing values: nothing is changed to find out.
public struct DeploymentPlan: Hashable, Sendable {
    /// What happens to an instance.
    public enum Action: String, Hashable, Sendable, CaseIterable {
        /// It is new.
        case start
        /// It is there, and differs or depends on something that does.
        case restart
        /// It is there and goes on: only its configuration changes, which it is told.
        case configure
        /// It is there as it is wanted.
        case unchanged
        /// It is no longer wanted.
        case stop
    }

    /// One instance.
    public struct Step: Hashable, Sendable {
        /// Name of the instance.
        public let instance: String
        /// The component it is, or was.
        public let component: String
        /// What happens to it.
        public let action: Action
        /// Version that runs; nil where it does not run.
        public let from: SemanticVersion?
        /// Version that is wanted; nil where it is not wanted.
        public let to: SemanticVersion?
        /// Whether a dependency brought it.
        public let isAdded: Bool
        /// Why it does not stay as it is, one short sentence each; empty where it stays.
        public let causes: [String]
    }

    /// One entry an instance, in the order of starting: what others depend on comes first, what stops last.
    public let steps: [Step]
    /// Files to download: those of the wanted revision that the running one does not have, each content once.
    public let downloads: [ArtifactReference]
    /// Number of the revision that going back would restore; nil where nothing runs.
    public let rollbackRevision: UInt64?

    /// Bytes to download.
    public var downloadBytes: Int64 { downloads.reduce(0) { $0 + $1.size } }

    /// Whether nothing would change.
    public var changesNothing: Bool { steps.allSatisfy { $0.action == .unchanged } && downloads.isEmpty }

    /// What going back would do: the steps the other way round.
    public var rollback: [Step] {
        if rollbackRevision == nil { return [] }
        return steps.reversed().map { step in
            let action: Action =
                switch step.action {
                case .start: .stop
                case .stop: .start
                case .restart: .restart
                case .configure: .configure
                case .unchanged: .unchanged
                }
            return Step(
                instance: step.instance, component: step.component, action: action, from: step.to,
                to: step.from, isAdded: step.isAdded, causes: step.causes)
        }
    }

    /// Compares.
    ///
    /// - Parameters:
    ///   - running: what the core runs; nil where nothing.
    ///   - wanted: what it would run.
    ///   - platform: what the core runs on; where it is not known, files for every platform are counted.
    public init(from running: PlannedRevision?, to wanted: PlannedRevision, platform: Platform? = nil) {
        var comparison = PlanComparison(running: running, wanted: wanted)
        comparison.run()
        steps = comparison.steps
        rollbackRevision = running?.number
        var seen = Set((running?.artifacts(on: platform) ?? []).map(\.digest))
        downloads = wanted.artifacts(on: platform).filter { seen.insert($0.digest).inserted }
    }
}
