import Components
import Manifests
import Transforms

/// Registered components together with some that are about to be: what a check of manifests resolves against.
struct PendingComponents: ComponentStore {
    let registered: any ComponentStore
    /// Not registered yet, each version once.
    let pending: [RegisteredRecipe]

    func candidates(of names: Set<String>) async throws -> [String: [ComponentCandidate]] {
        var candidates = try await registered.candidates(of: names)
        for recipe in pending where names.contains(recipe.component.name) {
            // In development it may be another recipe for a version that is there.
            candidates[recipe.component.name]?.removeAll { $0.version == recipe.component.version }
            candidates[recipe.component.name, default: []].append(recipe.candidate)
        }
        return candidates
    }

    func names() async throws -> [String] {
        Set(try await registered.names()).union(pending.map(\.component.name)).sorted()
    }

    func outputs(of components: Set<ComponentID>) async throws -> [ComponentID: [PublishedTopic]] {
        var outputs = try await registered.outputs(of: components)
        for recipe in pending where components.contains(recipe.component.id) {
            outputs[recipe.component.id] = recipe.component.outputs
        }
        return outputs
    }

    func configurations(of components: Set<ComponentID>) async throws -> [ComponentID: RecipeConfiguration] {
        var configurations = try await registered.configurations(of: components)
        for recipe in pending where components.contains(recipe.component.id) {
            configurations[recipe.component.id] = ComponentManifest.configuration(of: recipe.text)
        }
        return configurations
    }

    func environments(of components: Set<ComponentID>) async throws -> [ComponentID: [String]] {
        var environments = try await registered.environments(of: components)
        for recipe in pending where components.contains(recipe.component.id) {
            environments[recipe.component.id] = recipe.requirements.environment ?? []
        }
        return environments
    }

    func secrets(of components: Set<ComponentID>) async throws -> [ComponentID: [String]] {
        var secrets = try await registered.secrets(of: components)
        for recipe in pending where components.contains(recipe.component.id) {
            secrets[recipe.component.id] = recipe.requirements.secrets ?? []
        }
        return secrets
    }

    func shadowAccess(of components: Set<ComponentID>) async throws -> [ComponentID: ShadowAccess] {
        var access = try await registered.shadowAccess(of: components)
        for recipe in pending where components.contains(recipe.component.id) {
            access[recipe.component.id] = recipe.requirements.shadows
        }
        return access
    }

    // MARK: As it is

    func register(
        _ recipe: RegisteredRecipe, dryRun: Bool
    ) async throws -> (component: ComponentRecord, created: Bool) {
        try await registered.register(recipe, dryRun: dryRun)
    }

    func recipe(of name: String, version: SemanticVersion?) async throws -> RegisteredRecipe? {
        try await registered.recipe(of: name, version: version)
    }

    func components(after name: String, limit: Int) async throws -> [ComponentRecord] {
        try await registered.components(after: name, limit: limit)
    }

    func versions(
        of name: String, below version: SemanticVersion?, limit: Int
    ) async throws -> [ComponentRecord] {
        try await registered.versions(of: name, below: version, limit: limit)
    }

    func groups(running components: [ComponentID], limit: Int) async throws -> [ComponentID: [String]] {
        try await registered.groups(running: components, limit: limit)
    }

    func mayRun(_ component: ComponentID, core: String) async throws -> Bool {
        try await registered.mayRun(component, core: core)
    }
}

extension ComponentRecord {
    /// The version by name.
    var id: ComponentID { ComponentID(component: name, version: version) }
}

extension RegisteredRecipe {
    /// The version as far as choosing one needs it.
    var candidate: ComponentCandidate {
        ComponentCandidate(
            version: component.version, recipeDigest: component.digest,
            dependencies: requirements.dependencies, platforms: requirements.platforms,
            artifacts: requirements.artifacts)
    }
}
