public import Expressions

/// A transform as a recipe says it. A plain value; it may be wrong: ``Transform`` compiles and checks it.
public struct TransformDefinition: Hashable, Sendable {
    /// Declared fields; nil where nothing is declared, so that types and names are found only at run time.
    public var input: [InputField]?
    /// Steps in their order; at least one of them publishes.
    public var steps: [TransformStep]
    /// What expressions find under `configuration` where an instance says nothing else. The values also say the types;
    /// null says none.
    public var configuration: [String: Value]

    /// Makes a definition.
    public init(
        input: [InputField]? = nil, steps: [TransformStep] = [], configuration: [String: Value] = [:]
    ) {
        self.input = input
        self.steps = steps
        self.configuration = configuration
    }
}
