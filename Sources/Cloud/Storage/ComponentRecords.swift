import Components
import FoundationEssentials

/// A registered version of a component, without its recipe's text.
struct ComponentRecord: Hashable, Sendable {
    var name: String
    var version: SemanticVersion
    var description: String
    /// SHA-256 of the recipe's text.
    var digest: [UInt8]
    var createTime: Date
    /// Where its outputs publish, in the order of its `publish` steps: kept beside the recipe, so that checking a
    /// group compiles nothing.
    var outputs: [PublishedTopic]
}

/// A registered version with its recipe.
struct RegisteredRecipe: Hashable, Sendable {
    var component: ComponentRecord
    /// The text as it was registered.
    var text: String
    /// Files that it names, on whichever platform; empty where the recipe was read from the store.
    var artifacts: [ArtifactReference] = []
    /// What it needs around it; nothing where the recipe was read from the store.
    var requirements = ComponentRequirements()
}

/// A version of a component by name.
struct ComponentID: Hashable, Sendable {
    var component: String
    var version: SemanticVersion
}
