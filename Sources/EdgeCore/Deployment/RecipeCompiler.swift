import Components
import Manifests
import Transforms

/// Makes running components of recipes; each recipe is compiled once, however many instances run it.
struct RecipeCompiler {
    /// Why a recipe cannot run, one sentence.
    struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        let description: String
    }

    /// What this core runs on; nil where it is not asked for.
    private let platform: Platform?
    private var known: [StoredRecipe.Key: (work: ComponentWork, facts: RunningComponent.RecipeFacts)] = [:]

    /// - Parameter platform: what this core runs on. Nil takes every recipe: what was checked once is not checked
    ///   again when the core starts.
    init(platform: Platform? = nil) {
        self.platform = platform
    }

    /// Compiles the recipe of an instance.
    ///
    /// - Parameter instance: what the group says of it; nil where a dependency brought it.
    /// - Throws: ``Problem`` where the text is not the one that the lock names, or is no recipe of that component
    ///   and version, or where the instance's configuration does not fit it.
    mutating func compile(
        _ locked: LockedComponent, as instance: ComponentInstance? = nil, text: String
    ) throws(Problem) -> RunningComponent {
        let (work, facts) = try recipe(of: locked, text: text)
        let (configuration, problems) = facts.configuration.applying(
            instance?.configuration ?? ConfigurationUpdate())
        if let problem = problems.first {
            throw Problem(description: "its configuration does not fit its recipe: \(problem.message)")
        }
        let environment = instance?.environment ?? [:]
        switch work {
        case .transform(let transform):
            return RunningComponent(
                locked, state: .ready(transform),
                settings: TransformSettings(
                    configuration: configuration.mapValues(\.expressionValue), environment: environment),
                recipe: facts)
        case .process(let definition):
            return RunningComponent(
                locked, state: .process(definition), configuration: configuration,
                environment: definition.environment(of: environment), recipe: facts)
        }
    }

    private mutating func recipe(
        of locked: LockedComponent, text: String
    ) throws(Problem) -> (work: ComponentWork, facts: RunningComponent.RecipeFacts) {
        let key = StoredRecipe.Key(locked)
        if let known = known[key] { return known }
        guard StoredRecipe.isGenuine(text, digest: locked.recipeDigest) else {
            throw Problem(
                description: "its recipe is not the one that the deployment names (the SHA-256 differs)")
        }
        let manifest: ComponentManifest
        do {
            manifest = try ComponentManifest.parse(text, fileName: "\(locked.component)@\(locked.version)")
        } catch {
            throw Problem(
                description: "this core cannot use its recipe: \(Self.firstLine(error.description)); "
                    + "update hedgerow-core where the recipe is newer than it")
        }
        guard manifest.recipe.name == locked.component, manifest.recipe.version == locked.version else {
            throw Problem(
                description: "its recipe is that of \(manifest.recipe.name) \(manifest.recipe.version)")
        }
        if let platform, !manifest.recipe.runs(on: platform) {
            let entries = manifest.recipe.platforms.prefix(4).map(\.description).joined(separator: ", or ")
            throw Problem(
                description:
                    "it does not run on this core (\(platform)), it is for \(entries); add an entry to "
                    + "the platforms of its recipe, or name another version")
        }
        let facts = RunningComponent.RecipeFacts(
            dependencies: manifest.recipe.dependencies,
            configuration: RecipeConfiguration(manifest.recipe), access: manifest.recipe.access)
        known[key] = (manifest.work, facts)
        return (manifest.work, facts)
    }

    private static func firstLine(_ text: String) -> Substring { text.prefix { !$0.isNewline } }
}
