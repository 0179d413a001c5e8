import Components
import Identity
import Transforms

/// Configuration, environment and shadows of instances, compared with the recipes that they run.
extension CloudContext {
    /// What the instances of a definition may not give, and what does nothing.
    ///
    /// - Parameter lock: what they run.
    func checkSettings(
        of definition: GroupDefinition, _ lock: [LockedComponent]
    ) async throws -> (problems: [DefinitionProblem], warnings: [String]) {
        let changed = Set(definition.components.filter { !$0.configuration.isEmpty }.map(\.name))
        let recipes = try await recipeConfigurations(of: lock, instances: changed)
        let versions = Set(lock.map { ComponentID(component: $0.component, version: $0.version) })
        let environments = try await components.environments(of: versions)
        let shadows = try await components.shadowAccess(of: versions)
        let entries = Dictionary(lock.map { ($0.instance, $0) }) { first, _ in first }
        var problems: [DefinitionProblem] = []
        var warnings: [String] = []
        for (index, instance) in definition.components.enumerated() {
            guard let entry = entries[instance.name] else { continue }
            let who = "component:\(instance.name) runs \(entry.component) \(entry.version)"
            let version = ComponentID(component: entry.component, version: entry.version)
            let needed = environments[version] ?? []
            warnings += Self.missing(needed, in: instance).map { "\(who), \($0)" }
            if shadows[version] == nil, !instance.shadows.isEmpty {
                problems.append(
                    DefinitionProblem(
                        path: "components[\(index)].shadows",
                        message:
                            "\(who), which is no program that uses shadows; add access: {shadows: read} to its recipe, or "
                            + "remove \"shadows\" here (a transform uses those of the thing of its reading)"))
            } else if let access = shadows[version], instance.shadows.isEmpty {
                warnings.append(
                    "\(who), whose program may \(access.rawValue) shadows, but reaches none; name their things, as in shadows: "
                        + "[\(definition.things.first ?? "THING")]")
            }
            guard let recipe = recipes[instance.name] else { continue }
            problems += recipe.applying(instance.configuration).problems.map { problem in
                DefinitionProblem(
                    path: "components[\(index)].configuration.merge\(problem.place)",
                    message: "\(who), and \(problem.message)")
            }
            warnings += recipe.strangers(among: instance.configuration.reset).map { stranger in
                "\(who), whose configuration has no \"\(stranger.place)\" that could be reset; "
                    + (stranger.suggestion.map { "did you mean \"\($0)\"?" } ?? "remove it from reset")
            }
        }
        return (problems, warnings)
    }

    /// Most variables that warnings about one instance name.
    private static let mostVariables = 10

    /// What is said of each variable that a recipe needs and an instance does not have.
    private static func missing(_ needed: [String], in instance: ComponentInstance) -> [String] {
        needed.filter { instance.environment[$0] == nil }.prefix(mostVariables).map { name in
            let near = Suggestion.nearest(to: name, in: instance.environment.keys.sorted())
            return
                "which reads environment.\(name) without has(…), and has no such variable; messages that need it fail, "
                + (near.map { "did you mean \(name) by \($0)?" } ?? "add environment: {\(name): …}")
        }
    }

    /// The configurations that the recipes of some instances have, by instance.
    func recipeConfigurations(
        of lock: [LockedComponent], instances: Set<String>
    ) async throws -> [String: RecipeConfiguration] {
        let wanted = lock.filter { instances.contains($0.instance) }
        if wanted.isEmpty { return [:] }
        let ids = Set(wanted.map { ComponentID(component: $0.component, version: $0.version) })
        let known = try await components.configurations(of: ids)
        var result: [String: RecipeConfiguration] = [:]
        for entry in wanted {
            result[entry.instance] =
                known[
                    ComponentID(component: entry.component, version: entry.version)]
        }
        return result
    }
}
