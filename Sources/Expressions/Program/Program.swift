/// A compiled expression: code for a small register machine.
///
/// Why this form: an expression runs for every row of every batch, on constrained cores, under limits. Register
/// code over two flat banks, one of unboxed words and one of boxed values, needs no allocation, no reference
/// count and no dynamic dispatch for numbers; constants and slots are registers, so that
/// `2.0 * reading.temperature - cpu` is two arithmetic instructions and two checks. Evaluation does not recurse,
/// whatever the source is, and loops (the macros) are jumps that pay a budget. A tree of closures comes close in
/// speed, but recurses, and keeps errors, spans and loops in captured state. Error absorption of `&&` and `||`
/// costs nothing until an error happens: a table tells where code was running and where to go on.
final class Program: Sendable {
    /// A call of a standard function; its arguments stand side by side from `first`.
    struct FunctionSite: Sendable {
        let body: Builtin.Body
        let first: Int
        let count: Int
    }

    /// A call of a host function; a class, so that a call counts one reference instead of one for each part.
    final class HostSite: Sendable {
        let function: String
        let first: Int
        let count: Int
        /// All arguments, where all are constant.
        let constants: [Value]?
        let result: ValueType
        /// Parameters of which the arguments have to fit some; empty where that is known.
        let parameters: [[ValueType]]

        init(
            function: String, first: Int, count: Int, constants: [Value]?, result: ValueType,
            parameters: [[ValueType]]
        ) {
            self.function = function
            self.first = first
            self.count = count
            self.constants = constants
            self.result = result
            self.parameters = parameters
        }
    }

    /// Code whose errors are caught: the error is kept as `caught`, word `flag` becomes 2, and execution goes on
    /// at `target`. Inner handlers stand before outer ones.
    struct Handler: Sendable {
        let start: Int
        let end: Int
        let target: Int
        let flag: Int
        let caught: Int
    }

    /// Where the result is, and in what form.
    struct Result: Sendable {
        let kind: Frame.Kind
        let register: Int
    }

    let code: [Instruction]
    /// The source of each instruction.
    let spans: [SourceSpan]
    let functions: [FunctionSite]
    let hosts: [HostSite]
    let handlers: [Handler]
    let errors: [EvaluationError]
    let result: Result
    /// The types of the slots.
    let slotTypes: [ValueType]
    /// Messages for slots without a value.
    let slotNames: [String]
    /// The banks at the start: slots, then constants, then working registers.
    let words: [UInt64]
    let values: [Value]
    let maximumCost: Int
    /// What each evaluation takes of a budget, besides what its meter counts: instructions on numbers count
    /// nothing there, as the source bounds them.
    let baseCost: Int

    init(
        code: [Instruction], spans: [SourceSpan], functions: [FunctionSite], hosts: [HostSite],
        handlers: [Handler], errors: [EvaluationError], result: Result, slots: [Slot], words: [UInt64],
        values: [Value], maximumCost: Int
    ) {
        self.code = code
        self.spans = spans
        self.functions = functions
        self.hosts = hosts
        self.handlers = handlers
        self.errors = errors
        self.result = result
        slotTypes = slots.map(\.type)
        slotNames = slots.map { slot in
            switch slot.source {
            case .variable(let name): "'\(name)'"
            case .field(let record, let name): "'\(record).\(name)'"
            }
        }
        self.words = words
        self.values = values
        self.maximumCost = maximumCost
        baseCost = 1 + code.count / 32
    }
}
