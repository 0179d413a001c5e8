public import Components
public import Transforms

/// What a component does, fit to be run.
public enum ComponentWork: Sendable {
    /// Steps, checked and compiled.
    case transform(Transform)
    /// A program.
    case process(ProcessDefinition)

    /// Where it publishes, one entry a `publish` step of a transform.
    public var outputs: [PublishedTopic] {
        switch self {
        case .process: [.unknown]
        case .transform(let transform):
            transform.outputs.map { output in
                switch output.topic {
                case .literal(let topic): .literal(topic)
                case .computed: .computed
                }
            }
        }
    }

    /// Variables that instances should have, because an expression reads them; a program asks for none.
    public var neededEnvironment: [String] {
        switch self {
        case .process: []
        case .transform(let transform): transform.neededEnvironment
        }
    }
}
