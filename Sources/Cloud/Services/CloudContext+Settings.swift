import Components

/// Configuration of instances, compared with the recipes that they run.
extension CloudContext {
    /// What the instances of a definition may not give, and what does nothing.
    ///
    /// - Parameter lock: what they run.
    func checkSettings(
        of definition: GroupDefinition, _ lock: [LockedComponent]
    ) async throws -> (problems: [DefinitionProblem], warnings: [String]) {
        let changed = Set(definition.components.filter { !$0.configuration.isEmpty }.map(\.name))
        let recipes = try await recipeConfigurations(of: lock, instances: changed)
        let entries = Dictionary(lock.map { ($0.instance, $0) }) { first, _ in first }
        var problems: [DefinitionProblem] = []
        var warnings: [String] = []
        for (index, instance) in definition.components.enumerated() {
            guard let recipe = recipes[instance.name], let entry = entries[instance.name] else { continue }
            let who = "component:\(instance.name) runs \(entry.component) \(entry.version)"
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
