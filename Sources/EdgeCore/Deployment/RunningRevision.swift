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

    init(
        _ revision: Hedgerow_Type_V1_GroupRevision, components: [RunningComponent] = [], number: UInt64 = 1
    ) {
        self.revision = revision
        self.components = Dictionary(components.map { ($0.instance, $0) }) { first, _ in first }
        self.number = number
    }

    /// Whether a component may ask for the temperature of the CPU.
    var needsCPUTemperature: Bool { components.values.contains { $0.access.contains(.cpuTemperature) } }

    /// The instances that cannot run, by name.
    var unusable: [RunningComponent] {
        components.values.filter { $0.problem != nil }.sorted { $0.instance < $1.instance }
    }
}
