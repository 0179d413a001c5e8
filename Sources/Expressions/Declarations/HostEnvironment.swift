/// Who answers calls of host functions during an evaluation.
public protocol HostEnvironment {
    /// Answers a call.
    ///
    /// - Parameters:
    ///   - function: The name as declared (``HostFunction/name``).
    ///   - arguments: The arguments, of the types of one of the overloads; for a member call the receiver first.
    ///     Where all are constant, the same array is passed at each evaluation, without an allocation.
    /// - Returns: A value of the overload's result type.
    /// - Throws: ``EvaluationError``, usually ``EvaluationError/host(_:)``; the engine adds the position.
    func call(_ function: String, _ arguments: [Value]) throws(EvaluationError) -> Value
}
