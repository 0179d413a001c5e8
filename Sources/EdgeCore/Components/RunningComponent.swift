import Components
import Manifests
import StreamStore
import Transforms

/// A component instance of a revision, compiled: immutable, shared by every batch that it is given.
struct RunningComponent: Sendable {
    /// Whether it can run.
    enum State: Sendable {
        /// It is a transform, and runs inside the core.
        case ready(Transform)
        /// It is a program beside the core, which takes what waits for it in its inbox.
        case process(ProcessDefinition)
        /// Its recipe cannot be read back from this core's disk; the sentence says why. What it would be given
        /// becomes dead letters until the recipe is there again.
        case unusable(String)
    }

    /// Name of the instance.
    let instance: String
    /// Name of the component.
    let component: String
    /// Its version.
    let version: String
    /// Whether it can run.
    let state: State
    /// A transform's configuration and environment; nil for the recipe's configuration and none.
    let settings: TransformSettings?
    /// A program's configuration, the recipe's defaults included; empty for a transform.
    let configuration: [String: ConfigurationValue]
    /// A program's environment, the recipe's defaults included; empty for a transform.
    let environment: [String: String]
    /// What its recipe says of its surroundings and of its configuration; nil where it cannot be read.
    let recipe: RecipeFacts?
    /// SHA-256 of its recipe.
    let recipeDigest: [UInt8]
    /// Its files.
    let artifacts: [ArtifactReference]
    /// Number of the running revision with which it began to run as it is (``RunningRevision/number``). A later revision
    /// that has the same instance with the same values leaves it.
    var start: UInt64 = 1

    /// What is known of a recipe beside what it does.
    struct RecipeFacts: Sendable {
        /// Components that it needs beside it.
        let dependencies: [ComponentDependency]
        /// The configuration that it has.
        let configuration: RecipeConfiguration
        /// What it may reach of the core.
        var access = ComponentAccess()
    }

    init(
        _ locked: LockedComponent, state: State, settings: TransformSettings? = nil,
        configuration: [String: ConfigurationValue] = [:], environment: [String: String] = [:],
        recipe: RecipeFacts? = nil
    ) {
        instance = locked.instance
        component = locked.component
        version = locked.version.description
        recipeDigest = locked.recipeDigest
        artifacts = locked.artifacts
        self.state = state
        self.settings = settings
        self.configuration = configuration
        self.environment = environment
        self.recipe = recipe
    }

    /// What it may ask the core for in expressions.
    var access: HostAccess {
        if case .ready(let transform) = state { transform.access } else { [] }
    }

    /// Why it cannot run; nil where it can.
    var problem: String? {
        if case .unusable(let problem) = state { problem } else { nil }
    }

    /// What its recipe says of its program; nil where it is none.
    var process: ProcessDefinition? {
        if case .process(let definition) = state { definition } else { nil }
    }

    /// Where it publishes; nil where that is not known.
    var outputs: [PublishedTopic]? {
        switch state {
        case .ready(let transform): ComponentWork.transform(transform).outputs
        case .process(let definition): ComponentWork.process(definition).outputs
        case .unusable: nil
        }
    }
}
