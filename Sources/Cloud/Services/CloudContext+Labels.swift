import Components
import GRPCCore
import HedgerowAPI
import Identity
import Manifests
import RPCSupport

/// Aliases and deprecations in a resolution.
extension CloudContext {
    /// The definition with the version that each alias points at now in its place.
    ///
    /// - Parameters:
    ///   - labels: of the components of the definition.
    ///   - manifest: the document that the definition was just read from, for the places of errors.
    /// - Throws: `HedgerowError` FAILED_PRECONDITION `UNRESOLVED_COMPONENT` with every alias that there is not.
    static func followingAliases(
        in definition: GroupDefinition, _ labels: [String: ComponentLabels], _ manifest: GroupManifest?
    ) throws(HedgerowError) -> GroupDefinition {
        var definition = definition
        var problems: [DefinitionProblem] = []
        for (index, instance) in definition.components.enumerated() {
            guard let alias = instance.request.alias else { continue }
            let known = labels[instance.component]?.aliases ?? [:]
            if let version = known[alias] {
                definition.components[index].version = VersionRange(exactly: version)
                continue
            }
            let hint =
                Suggestion.nearest(to: alias, in: known.keys.sorted()).map { "did you mean @\($0)?" }
                ?? "make it with hedgerow components alias \(instance.component) \(alias) VERSION"
            problems.append(
                DefinitionProblem(
                    path: "components[\(index)].version",
                    message: "component:\(instance.name) wants \(instance.component) @\(alias), but "
                        + "\(instance.component) has no such alias; \(hint)"))
        }
        guard let first = problems.first else { return definition }
        let rest = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
        throw HedgerowError(
            .failedPrecondition, .unresolvedComponent, first.message + rest,
            violations: HedgerowError.violations(problems, in: manifest))
    }

    /// What is said of the versions of some components, as soon as what is pending is there.
    func currentLabels(of components: Set<String>) async throws -> [String: ComponentLabels] {
        var found = try await labels.labels(of: components)
        for (component, aliases) in pendingAliases where components.contains(component) {
            found[component, default: ComponentLabels()].aliases.merge(aliases) { $1 }
        }
        return found
    }

    /// A warning for each entry of a lock whose version should not be used any more.
    func deprecations(in lock: [LockedComponent]) async throws -> [String] {
        let labels = try await labels.labels(of: Set(lock.map(\.component)))
        return lock.compactMap { entry in
            labels[entry.component]?.deprecations[entry.version].map { reason in
                "component:\(entry.instance) runs \(entry.component) \(entry.version), which is deprecated: \(reason)"
            }
        }
    }
}
