import Components
import HedgerowAPI

/// What instances run with, to say what a deployment changes.
struct DevInstances {
    private struct Instance: Hashable {
        let component: String
        let version: String
        let digest: [UInt8]
        let settings: ComponentInstance?
    }

    private let instances: [String: Instance]
    private let programs: Set<String>

    /// Nothing runs.
    init() {
        instances = [:]
        programs = []
    }

    /// - Parameter programs: the components that are programs; others are transforms.
    init(
        lock: [Hedgerow_Type_V1_LockedComponent], definition: GroupDefinition, programs: Set<String>
    ) {
        let named = Dictionary(definition.components.map { ($0.name, $0.canonical) }) { first, _ in first }
        instances = Dictionary(
            lock.map { locked in
                var settings = named[locked.instance]
                // Which version is wanted is no difference where the same one is found.
                settings?.version = .any
                return (
                    locked.instance,
                    Instance(
                        component: locked.component, version: locked.version,
                        digest: Array(locked.recipeDigest),
                        settings: settings)
                )
            }
        ) { first, _ in first }
        self.programs = programs
    }

    /// `restarted a, b; changed c; started d; ended e`; what nothing of it says is that routes or streams changed.
    func changes(to new: DevInstances) -> String {
        var words: [(String, [String])] = [
            ("started", new.instances.keys.filter { instances[$0] == nil }.sorted()),
            ("ended", instances.keys.filter { new.instances[$0] == nil }.sorted()),
        ]
        let changed = new.instances.filter { name, instance in
            instances[name].map { $0 != instance } ?? false
        }
        words.insert(
            ("restarted", changed.filter { new.programs.contains($0.value.component) }.keys.sorted()), at: 0)
        words.insert(
            ("changed", changed.filter { !new.programs.contains($0.value.component) }.keys.sorted()), at: 1)
        let parts = words.filter { !$0.1.isEmpty }.map { "\($0.0) \($0.1.joined(separator: ", "))" }
        return parts.isEmpty ? "no component restarted" : parts.joined(separator: "; ")
    }
}
