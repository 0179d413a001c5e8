/// A standard function: how it may be called, what it gives, and what it does.
struct Builtin: Sendable {
    /// What a function does with its arguments; a member's receiver comes first.
    typealias Body =
        @Sendable (_ arguments: UnsafeBufferPointer<Value>, _ meter: inout Meter) throws(EvaluationError) ->
        Value

    /// One combination of argument types and what it gives.
    struct Signature: Sendable {
        let parameters: [ValueType]
        let result: ValueType

        init(_ parameters: ValueType..., to result: ValueType) {
            self.parameters = parameters
            self.result = result
        }
    }

    /// How it is called.
    enum Style: Sendable {
        /// `name(…)`.
        case global
        /// `receiver.name(…)`.
        case member
        /// Both.
        case either
    }

    let name: String
    let style: Style
    let signatures: [Signature]
    /// The result's type where signatures do not tell, nil for arguments that do not fit.
    let rule: (@Sendable ([ValueType]) -> ValueType?)?
    let body: Body

    init(_ name: String, _ style: Style, _ signatures: [Signature], body: @escaping Body) {
        self.name = name
        self.style = style
        self.signatures = signatures
        rule = nil
        self.body = body
    }

    init(
        _ name: String, _ style: Style, rule: @escaping @Sendable ([ValueType]) -> ValueType?,
        body: @escaping Body
    ) {
        self.name = name
        self.style = style
        signatures = []
        self.rule = rule
        self.body = body
    }

    /// The type of the result for arguments of these types; nil where there is no overload for them.
    func result(for arguments: [ValueType]) -> ValueType? {
        if let rule { return rule(arguments) }
        var result: ValueType?
        for signature in signatures where signature.parameters.count == arguments.count {
            guard zip(arguments, signature.parameters).allSatisfy({ $0.fits($1) }) else { continue }
            result = result.map { $0 == signature.result ? $0 : .dyn } ?? signature.result
        }
        return result
    }
}

extension EvaluationError {
    /// There is no overload of a function for these arguments.
    static func noOverload(_ name: String, _ arguments: some Sequence<Value>) -> EvaluationError {
        let types = arguments.map(\.typeName).joined(separator: ", ")
        return EvaluationError(
            kind: .noSuchOverload, message: "no such overload: '\(name)' applied to '(\(types))'")
    }

    /// A number, timestamp or duration out of its range.
    static func range(_ message: String) -> EvaluationError {
        EvaluationError(kind: .overflow, message: message)
    }

    /// A value that a function does not accept.
    static func invalid(_ message: String) -> EvaluationError {
        EvaluationError(kind: .invalidArgument, message: message)
    }
}
