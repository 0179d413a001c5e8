import Components
import HedgerowAPI
import Transforms

/// A revision with its lock and its compiled components: one immutable object from one deployment to the next.
///
/// Whoever begins something with it ends it with it: a batch is processed wholly by one of them.
final class RunningRevision: Sendable {
    /// The revision, with its lock.
    let revision: Hedgerow_Type_V1_GroupRevision
    /// Its component instances by name.
    let components: [String: RunningComponent]
    /// Counts what ran in this process; the greater one is the newer one.
    let number: UInt64

    /// - Parameter previous: what ran before it: instances that are the same by value, and depend on none that is not,
    ///   run on as they were.
    init(
        _ revision: Hedgerow_Type_V1_GroupRevision, components: [RunningComponent] = [], number: UInt64 = 1,
        after previous: RunningRevision? = nil
    ) {
        self.revision = revision
        self.number = number
        var components = Dictionary(components.map { ($0.instance, $0) }) { first, _ in first }
        if let previous {
            let unchanged = Self.unchanged(revision, components, since: previous)
            for name in components.keys {
                let before = unchanged.contains(name) ? previous.components[name] : nil
                components[name]?.start = before?.start ?? number
            }
        }
        self.components = components
    }

    /// The instances that a plan leaves running. The cloud makes its plans by the same comparison.
    private static func unchanged(
        _ revision: Hedgerow_Type_V1_GroupRevision, _ components: [String: RunningComponent],
        since previous: RunningRevision
    ) -> Set<String> {
        guard let before = PlannedRevision(previous.revision, previous.components),
            let now = PlannedRevision(revision, components)
        else { return [] }
        let steps = DeploymentPlan(from: before, to: now).steps
        return Set(steps.filter { $0.action == .unchanged || $0.action == .configure }.map(\.instance))
    }

    /// Whether a component may ask for the temperature of the CPU.
    var needsCPUTemperature: Bool { components.values.contains { $0.access.contains(.cpuTemperature) } }

    /// The instances that cannot run, by name.
    var unusable: [RunningComponent] {
        components.values.filter { $0.problem != nil }.sorted { $0.instance < $1.instance }
    }
}

extension PlannedRevision {
    /// A revision as a plan sees it; nil where its lock cannot be read.
    fileprivate init?(
        _ revision: Hedgerow_Type_V1_GroupRevision, _ components: [String: RunningComponent]
    ) {
        guard let lock = try? RevisionCheck.lock(of: revision) else { return nil }
        var requirements: [String: ComponentCandidate] = [:]
        for locked in lock {
            requirements[locked.instance] = ComponentCandidate(
                version: locked.version, recipeDigest: locked.recipeDigest,
                dependencies: components[locked.instance]?.recipe?.dependencies ?? [])
        }
        self.init(
            number: revision.revision, lock: lock,
            instances: Array(GroupDefinition.instances(of: revision).values), requirements: requirements,
            defaults: components.compactMapValues { $0.recipe?.configuration })
    }
}
