/// A host without functions, for expressions that call none.
public struct NoHost: HostEnvironment {
    /// Makes a host without functions.
    public init() {}

    /// Always throws.
    public func call(_ function: String, _ arguments: [Value]) throws(EvaluationError) -> Value {
        throw .host("the function '\(function)' is not available here")
    }
}
