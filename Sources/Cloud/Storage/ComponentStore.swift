import Components
import Transforms

/// Keeps registered versions of components. They are immutable and never deleted: a deployment from long ago may
/// name any of them.
///
/// Every function is one transaction: it happens wholly or, where it throws, not at all.
protocol ComponentStore: Sendable {
    /// Registers a version; the same text again changes nothing.
    ///
    /// - Parameter dryRun: check and compare only; artifacts may be missing still.
    /// - Returns: what is stored (or would be), and whether it is new.
    /// - Throws: ``StoreError/alreadyExists(_:)`` where the version has another recipe (in development that takes its
    ///   place),
    ///   ``StoreError/limitReached(_:)``, ``StoreError/missingArtifacts(_:)``.
    func register(
        _ recipe: RegisteredRecipe, dryRun: Bool
    ) async throws -> (component: ComponentRecord, created: Bool)

    /// One version with its recipe, nil where there is none.
    ///
    /// - Parameter version: nil for the highest that is no pre-release, and where there is none, the highest.
    func recipe(of name: String, version: SemanticVersion?) async throws -> RegisteredRecipe?

    /// The highest version of each component after a name, by name.
    func components(after name: String, limit: Int) async throws -> [ComponentRecord]

    /// Versions of a component below a version (nil: all), the highest first.
    func versions(
        of name: String, below version: SemanticVersion?, limit: Int
    ) async throws -> [ComponentRecord]

    /// The names of secrets that the recipes of some versions ask for; versions that there are not are missing.
    func secrets(of components: Set<ComponentID>) async throws -> [ComponentID: [String]]

    /// Names of the groups whose newest deployment runs each version, sorted, at most `limit` each. Versions that
    /// no group runs are missing.
    func groups(running components: [ComponentID], limit: Int) async throws -> [ComponentID: [String]]

    /// Every version of some components, for choosing one.
    func candidates(of names: Set<String>) async throws -> [String: [ComponentCandidate]]

    /// Names of all components, at most 10,000.
    func names() async throws -> [String]

    /// Where the outputs of some versions publish; versions that do not exist are missing.
    func outputs(of components: Set<ComponentID>) async throws -> [ComponentID: [PublishedTopic]]

    /// The configurations that the recipes of some versions have; versions that do not exist are missing.
    func configurations(of components: Set<ComponentID>) async throws -> [ComponentID: RecipeConfiguration]

    /// Variables that instances of some versions should have; versions that do not exist are missing.
    func environments(of components: Set<ComponentID>) async throws -> [ComponentID: [String]]

    /// What the programs of some versions do with shadows; versions that use none, transforms among them, are missing.
    func shadowAccess(of components: Set<ComponentID>) async throws -> [ComponentID: ShadowAccess]

    /// Whether a core was ever told to run a version.
    func mayRun(_ component: ComponentID, core: String) async throws -> Bool
}
