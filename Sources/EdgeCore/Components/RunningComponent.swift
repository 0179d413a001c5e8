import Components
import StreamStore
import Transforms

/// A component instance of a revision, compiled: immutable, shared by every batch that it is given.
struct RunningComponent: Sendable {
    /// Whether it can run.
    enum State: Sendable {
        /// It runs.
        case ready(Transform)
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
    /// Its configuration and its environment; nil for the recipe's configuration and none.
    let settings: TransformSettings?
    /// What its recipe says of its surroundings and of its configuration; nil where it cannot be read.
    let recipe: RecipeFacts?
    /// Number of the running revision with which it began to run as it is (``RunningRevision/number``). A later revision
    /// that has the same instance with the same values leaves it.
    var start: UInt64 = 1

    /// What is known of a recipe beside what it does.
    struct RecipeFacts: Sendable {
        /// Components that it needs beside it.
        let dependencies: [ComponentDependency]
        /// The configuration that it has.
        let configuration: RecipeConfiguration
    }

    init(
        _ locked: LockedComponent, state: State, settings: TransformSettings? = nil,
        recipe: RecipeFacts? = nil
    ) {
        instance = locked.instance
        component = locked.component
        version = locked.version.description
        self.state = state
        self.settings = settings
        self.recipe = recipe
    }

    /// What it may ask the core for.
    var access: HostAccess {
        if case .ready(let transform) = state { transform.access } else { [] }
    }

    /// Why it cannot run; nil where it can.
    var problem: String? {
        if case .unusable(let problem) = state { problem } else { nil }
    }

    /// Where it publishes; nil where that is not known.
    var outputs: [PublishedTopic]? {
        guard case .ready(let transform) = state else { return nil }
        return transform.outputs.map { output in
            switch output.topic {
            case .literal(let topic): .literal(topic)
            case .computed: .computed
            }
        }
    }
}
