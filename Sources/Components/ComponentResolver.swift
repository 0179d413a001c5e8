/// Chooses the version of every component instance of a group, and of what those depend on (semantics,
/// section 5).
///
/// What is chosen for are instances. A dependency on a component binds every instance of it in the group; where
/// there is none, an instance of the component's name is added. The search is complete: where any set of versions
/// suits everything that is asked, it finds one. It tries the newest versions first, so that in its answer no version can
/// be raised without lowering another or breaking a wish. Where not all can be the newest, the instance with the
/// fewest versions to choose from comes first, and of several such the first by name; the order of the group's
/// list does not matter.
public struct ComponentResolver: Sendable {
    /// Most versions that a search tries before it gives up.
    public static let maximumSteps = 50_000

    /// The registered versions of each component.
    private let registry: [String: RegisteredVersions]
    /// Names of all registered components, for suggestions.
    private let names: [String]
    private let maximumSteps: Int

    /// Makes a resolver.
    ///
    /// - Parameters:
    ///   - available: the versions of every component that is asked for, or that one of these depends on. One that
    ///     is missing here, or has no version, does not exist.
    ///   - names: names to suggest where one does not exist; those of `available` are added.
    ///   - cores: the group's cores whose platforms are known, by name: versions that do not run on one of them
    ///     are not chosen.
    ///   - maximumSteps: most versions that a search tries.
    public init(
        available: [String: [ComponentCandidate]], names: some Sequence<String> = [],
        cores: [String: Platform] = [:], maximumSteps: Int = Self.maximumSteps
    ) {
        let sorted = cores.sorted { $0.key < $1.key }.map { (name: $0.key, platform: $0.value) }
        self.registry = available.mapValues { RegisteredVersions($0, cores: sorted) }
        self.names = Set(names).union(available.keys.filter { available[$0]?.isEmpty == false }).sorted()
        self.maximumSteps = maximumSteps
    }

    /// Resolves every instance.
    ///
    /// - Throws: ``UnresolvedComponents`` with every instance that has no solution by itself; where each has one,
    ///   with what hinders all of them together.
    public func resolve(_ instances: [ComponentInstance]) throws(UnresolvedComponents) -> Resolution {
        var problems: [ResolutionProblem] = []
        for (index, instance) in instances.enumerated() where candidates(for: instance).isEmpty {
            let versions = registry[instance.component]
            problems.append(
                .unresolved(
                    UnresolvedComponent(
                        index: index, instance: instance, versions: versions?.all ?? [],
                        names: problems.count < UnresolvedComponents.mostSuggestions ? names : [],
                        misfits: versions?.misfits ?? [])))
        }
        var together: ResolutionProblem?
        if problems.isEmpty {
            var search = ResolutionSearch(
                Array(instances.enumerated()), registry: registry, maximumSteps: maximumSteps)
            do throws(ResolutionProblem) {
                try search.run()
                return search.resolution()
            } catch {
                together = error
            }
        }
        problems += alone(instances, except: Set(problems.compactMap(\.index)))
        if problems.isEmpty, let together { problems.append(together) }
        throw UnresolvedComponents(
            problems.map(suggesting).sorted { ($0.index ?? 0) < ($1.index ?? 0) })
    }

    private func candidates(for instance: ComponentInstance) -> some Collection<ComponentCandidate> {
        (registry[instance.component]?.candidates ?? []).lazy.filter {
            instance.version.contains($0.version)
        }
    }

    /// What hinders instances that have no solution even where each is alone in its group.
    private func alone(_ instances: [ComponentInstance], except known: Set<Int>) -> [ResolutionProblem] {
        var problems: [ResolutionProblem] = []
        var steps = maximumSteps
        // One instance has been searched for alone already.
        let others = instances.count > 1 ? Array(instances.enumerated()) : []
        for (index, instance) in others where !known.contains(index) && steps > 0 {
            var search = ResolutionSearch(
                [(index, instance)], registry: registry, maximumSteps: steps)
            do throws(ResolutionProblem) {
                try search.run()
            } catch {
                if case .tooManySteps = error { return problems }
                problems.append(error)
            }
            steps -= search.steps
        }
        return problems
    }

    /// A problem with the name of the component that was probably meant.
    private func suggesting(_ problem: ResolutionProblem) -> ResolutionProblem {
        guard case .conflict(let conflict) = problem, case .unknownComponent = conflict.cause else {
            return problem
        }
        return .conflict(conflict.suggesting(among: names))
    }
}
