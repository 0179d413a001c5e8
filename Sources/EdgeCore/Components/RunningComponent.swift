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

    init(_ locked: LockedComponent, state: State) {
        instance = locked.instance
        component = locked.component
        version = locked.version.description
        self.state = state
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
