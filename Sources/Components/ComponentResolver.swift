/// Chooses the version that each component instance of a group gets: the newest that lies in its range
/// (semantics, section 5).
///
/// Instances are independent of each other: two instances of one component may get different versions.
public struct ComponentResolver: Sendable {
    /// The registered versions of each component, in any order.
    private let available: [String: [ComponentCandidate]]
    /// Names of all registered components, for suggestions.
    private let names: [String]

    /// Makes a resolver.
    ///
    /// - Parameters:
    ///   - available: the versions of every component that is asked for. One that is missing here, or has no
    ///     version, does not exist.
    ///   - names: names to suggest where one does not exist; those of `available` are added.
    public init(available: [String: [ComponentCandidate]], names: some Sequence<String> = []) {
        self.available = available
        self.names = Set(names).union(available.keys.filter { available[$0]?.isEmpty == false }).sorted()
    }

    /// Resolves every instance.
    ///
    /// - Returns: one entry an instance, in their order.
    /// - Throws: ``UnresolvedComponents`` with every instance that no version fits.
    public func resolve(
        _ instances: [ComponentInstance]
    ) throws(UnresolvedComponents) -> [LockedComponent] {
        var lock: [LockedComponent] = []
        var problems: [UnresolvedComponent] = []
        for (index, instance) in instances.enumerated() {
            let candidates = available[instance.component] ?? []
            if let best = candidates.filter({ instance.version.contains($0.version) })
                .max(by: { $0.version < $1.version })
            {
                lock.append(
                    LockedComponent(
                        instance: instance.name, component: instance.component, version: best.version,
                        recipeDigest: best.recipeDigest))
            } else {
                problems.append(
                    UnresolvedComponent(
                        index: index, instance: instance, versions: candidates.map(\.version),
                        names: problems.count < UnresolvedComponents.mostSuggestions ? names : []))
            }
        }
        if !problems.isEmpty { throw UnresolvedComponents(problems) }
        return lock
    }
}
