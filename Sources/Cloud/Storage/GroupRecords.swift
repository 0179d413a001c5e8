import Components
import FoundationEssentials

/// What is to become of a thing's type and attributes.
struct ThingChange: Hashable, Sendable {
    /// Attributes to set.
    var attributes: [String: String] = [:]
    /// Keys of attributes to remove.
    var removed: Set<String> = []
    /// The type; nil leaves it, empty removes it.
    var type: String?
    /// Whether ``attributes`` are all that there are to be.
    var replaces = false

    /// The thing after the change.
    func applied(to thing: ThingRecord) -> ThingRecord {
        var changed = thing
        if let type { changed.type = type }
        changed.attributes = replaces ? attributes : thing.attributes.merging(attributes) { $1 }
        for key in removed { changed.attributes[key] = nil }
        return changed
    }
}

/// What is to be tried together, each as if those before had been made.
struct RegistryBatch: Sendable {
    /// Types of things.
    var types: [ThingTypeDefinition] = []
    /// Things.
    var things: [ThingDefinition] = []
    /// Groups, as they are written.
    var groups: [GroupDefinition] = []
}

/// What became of a trial, entry by entry.
struct RegistryTrial: Sendable {
    /// One entry in the trial: what was there before, or why it is refused.
    enum Outcome<Value: Sendable>: Sendable {
        case fits(Value)
        case refused(StoreError)
        /// Not tried, because something that it may need was refused.
        case untried
    }

    /// The types that are there now.
    var types: [Outcome<ThingTypeDefinition?>] = []
    /// The things that are there now.
    var things: [Outcome<ThingDefinition?>] = []
    /// What applying each group would do.
    var groups: [Outcome<AppliedRevision>] = []
}

/// A deployment of a revision, in a history.
struct RevisionDeploymentRecord: Hashable, Sendable {
    var id: String
    var createTime: Date
    /// How many cores are at each stage.
    var stages: [CoreStage: Int]
    /// The deployment whose lock it was made with.
    var lockOf: String?
}

/// An alias of a component and where it points.
struct AliasRecord: Hashable, Sendable {
    var component: String
    var alias: String
    var version: SemanticVersion
    var updateTime: Date
    var author: String
}

/// One move of an alias.
struct AliasMoveRecord: Hashable, Sendable {
    /// Order of the moves.
    var sequence: Int64
    var component: String
    var alias: String
    /// Nil where the alias was made.
    var from: String?
    /// Nil where it was removed.
    var to: String?
    var time: Date
    var author: String
}
