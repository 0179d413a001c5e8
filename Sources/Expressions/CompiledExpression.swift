/// An expression, checked and compiled; immutable and shareable.
///
/// Compile once, make one ``Frame`` per place of use, and evaluate for each row:
///
/// ```swift
/// var declarations = Declarations()
/// declarations.declareRecord("reading", fields: ["temperature": .double], isOpen: false)
/// let expression = try CompiledExpression.compile("1.8 * reading.temperature + 32.0", declarations: declarations)
/// var frame = Frame(for: expression)
/// frame.set(double: 21.5, at: 0)     // expression.slots[0] is the field temperature
/// let fahrenheit = try expression.evaluateDouble(&frame)
/// ```
///
/// How it is built is written at the internal type `Program`.
public struct CompiledExpression: Sendable {
    /// The source.
    public let source: String
    /// The type of the result; `dyn` where only evaluation tells.
    public let type: ValueType
    /// What each evaluation has to bind.
    public let slots: [Slot]
    /// Each call of a host function, in order of their ends in the source.
    public let hostCalls: [HostCall]
    /// The value, where it is the same at every evaluation.
    public let constant: Value?
    let program: Program
    /// The program's, and where its result is, without a look into it.
    private let identity: ObjectIdentifier
    private let kind: Frame.Kind
    private let register: Int

    /// The names of the host functions that are called.
    public var hostFunctions: Set<String> { Set(hostCalls.map(\.function)) }

    /// Compiles an expression.
    ///
    /// - Parameters:
    ///   - source: The expression.
    ///   - declarations: What it may name.
    ///   - limits: Bounds on source and evaluation.
    ///   - container: The namespace in which names are looked up first, `""` for none.
    ///   - mode: How strictly it is checked.
    /// - Throws: ``ExpressionErrors``: the first problem of syntax, or every problem of names and types.
    public static func compile(
        _ source: String, declarations: Declarations, limits: ExpressionLimits = .standard,
        container: String = "", mode: CheckMode = .typed
    ) throws(ExpressionErrors) -> CompiledExpression {
        let tree: SyntaxTree
        do throws(ExpressionProblem) {
            tree = try Parser.parse(source, limits: limits)
        } catch {
            throw ExpressionErrors([error])
        }
        let checked = try Checker.check(
            tree, declarations: declarations, container: container, mode: mode, limits: limits)
        do throws(ExpressionProblem) {
            let program = try Compiler.compile(checked, maximumCost: limits.maximumCost)
            return CompiledExpression(source: source, checked: checked, program: program)
        } catch {
            throw ExpressionErrors([error])
        }
    }

    private init(source: String, checked: CheckedTree, program: Program) {
        self.source = source
        self.program = program
        identity = ObjectIdentifier(program)
        kind = program.result.kind
        register = program.result.register
        type = checked.types[checked.tree.root].settled
        slots = checked.slots
        hostCalls = checked.hostCalls
        constant = checked.constants[checked.tree.root]
    }

    /// Evaluates to a value of any type.
    ///
    /// - Throws: ``EvaluationError`` with the part of the source that failed.
    public func evaluate(
        _ frame: inout Frame, host: some HostEnvironment = NoHost()
    ) throws(EvaluationError) -> Value {
        try run(&frame, host)
        let word = frame.registers.words[register]
        switch kind {
        case .boxed: return frame.registers.values[register]
        case .int: return .int(Int64(bitPattern: word))
        case .uint: return .uint(word)
        case .double: return .double(Double(bitPattern: word))
        case .bool: return .bool(word == 1)
        }
    }

    /// Evaluates an expression of type double, without boxing; where the type is `dyn`, another result is an
    /// error.
    public func evaluateDouble(
        _ frame: inout Frame, host: some HostEnvironment = NoHost()
    ) throws(EvaluationError) -> Double {
        try run(&frame, host)
        if kind == .double { return Double(bitPattern: frame.registers.words[register]) }
        guard kind == .boxed, case .double(let number) = frame.registers.values[register] else {
            throw mismatch("double")
        }
        return number
    }

    /// Evaluates an expression of type bool, without boxing; where the type is `dyn`, another result is an error.
    public func evaluateBool(
        _ frame: inout Frame, host: some HostEnvironment = NoHost()
    ) throws(EvaluationError) -> Bool {
        try run(&frame, host)
        if kind == .bool { return frame.registers.words[register] == 1 }
        guard kind == .boxed, case .bool(let flag) = frame.registers.values[register] else {
            throw mismatch("bool")
        }
        return flag
    }

    /// Evaluates an expression of type int, without boxing; where the type is `dyn`, another result is an error.
    public func evaluateInt(
        _ frame: inout Frame, host: some HostEnvironment = NoHost()
    ) throws(EvaluationError) -> Int64 {
        try run(&frame, host)
        if kind == .int { return Int64(bitPattern: frame.registers.words[register]) }
        guard kind == .boxed, case .int(let number) = frame.registers.values[register] else {
            throw mismatch("int")
        }
        return number
    }

    @inline(never)
    private func mismatch(_ wanted: String) -> EvaluationError {
        EvaluationError(
            kind: .typeMismatch, message: "the result is no \(wanted), which is needed here",
            span: SourceSpan(start: 0, end: source.utf8.count))
    }

    /// Runs the program in the frame's memory, with the host's answers.
    @inline(__always)
    private func run(_ frame: inout Frame, _ host: some HostEnvironment) throws(EvaluationError) {
        guard frame.registers.identity == identity else { throw Self.wrongFrame }
        frame.own()
        let left = frame.budget - frame.registers.baseCost
        if left < 0 { throw overspent(&frame) }
        let limit = min(frame.registers.maximumCost, left)
        var machine = Machine(frame.registers, program, limit: limit)
        var position = 0
        do throws(EvaluationError) {
            while let call = try machine.run(from: position) { position = try machine.call(host, at: call) }
            frame.budget = left - machine.meter.spent
        } catch {
            frame.budget = left - machine.meter.spent
            if error.kind == .costExceeded, left < frame.registers.maximumCost { throw overspent(&frame) }
            throw error
        }
    }

    /// The error of an evaluation that needs more than the frame's budget has left.
    @inline(never)
    private func overspent(_ frame: inout Frame) -> EvaluationError {
        frame.budget = 0
        return EvaluationError(
            kind: .budgetExceeded, message: "the evaluation costs more than the budget has left",
            span: SourceSpan(start: 0, end: source.utf8.count))
    }

    private static let wrongFrame = EvaluationError(
        kind: .typeMismatch, message: "the frame was made for another expression")
}
