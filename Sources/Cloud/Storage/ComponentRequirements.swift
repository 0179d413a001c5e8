import Components
import Manifests
import Transforms

/// What a version of a component needs around it, kept beside the recipe, so that choosing a version reads no
/// recipe.
struct ComponentRequirements: Hashable, Sendable, Codable {
    var dependencies: [ComponentDependency] = []
    var platforms: [PlatformEntry] = []
    var artifacts: [ArtifactReference] = []
    /// Variables that its instances should have; nil for none.
    var environment: [String]?
    /// Names of secrets that it reads; nil for none.
    var secrets: [String]?
    /// What its program does with shadows; nil for nothing, and for a transform, whose instances name none.
    var shadows: ShadowAccess?

    /// What a recipe says.
    init(_ manifest: ComponentManifest) {
        dependencies = manifest.recipe.dependencies
        platforms = manifest.recipe.platforms
        artifacts = manifest.recipe.artifacts
        let needed = manifest.work.neededEnvironment
        environment = needed.isEmpty ? nil : needed
        let secrets = manifest.recipe.process?.secrets ?? []
        self.secrets = secrets.isEmpty ? nil : secrets
        shadows = manifest.recipe.process == nil ? nil : manifest.recipe.access.shadows
    }

    /// Nothing.
    init() {}

    /// As it is stored: null where it is nothing.
    init(stored text: String?) throws {
        self =
            try text.map { try JSONText.decode(ComponentRequirements.self, from: $0) }
            ?? ComponentRequirements()
    }

    /// How it is stored.
    func stored() throws -> String? {
        self == ComponentRequirements() ? nil : try JSONText.encode(self)
    }
}
