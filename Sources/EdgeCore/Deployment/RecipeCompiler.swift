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
    private var known: [StoredRecipe.Key: Transform] = [:]

    /// - Parameter platform: what this core runs on. Nil takes every recipe: what was checked once is not checked
    ///   again when the core starts.
    init(platform: Platform? = nil) {
        self.platform = platform
    }

    /// Compiles the recipe of an instance.
    ///
    /// - Throws: ``Problem`` where the text is not the one that the lock names, or is no recipe of that component
    ///   and version.
    mutating func compile(_ locked: LockedComponent, text: String) throws(Problem) -> RunningComponent {
        let key = StoredRecipe.Key(locked)
        if let transform = known[key] { return RunningComponent(locked, state: .ready(transform)) }
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
        known[key] = manifest.transform
        return RunningComponent(locked, state: .ready(manifest.transform))
    }

    private static func firstLine(_ text: String) -> Substring { text.prefix { !$0.isNewline } }
}
