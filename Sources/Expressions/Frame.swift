/// The values of one evaluation's slots, and the engine's working memory.
///
/// Make one per compiled expression, set its slots for each row, evaluate; it may be reused without limit, and
/// costs no allocation when reused with numbers. Slots begin absent and keep what they were set to until set
/// again. Only the expression that it was made for accepts it. It keeps the values of its last evaluation alive.
public struct Frame {
    static let absent: UInt8 = 0
    static let present: UInt8 = 1
    /// Set to a value of another type than declared.
    static let mismatched: UInt8 = 2

    /// What a slot takes.
    enum Kind: UInt8 {
        case int
        case uint
        case double
        case bool
        /// Any value that matches its type, boxed.
        case boxed

        init(_ type: ValueType) {
            switch type {
            case .int: self = .int
            case .uint: self = .uint
            case .double: self = .double
            case .bool: self = .bool
            default: self = .boxed
            }
        }
    }

    /// What evaluations with this frame may still cost together, in the units of
    /// ``ExpressionLimits/maximumCost``; without bound unless set. Each evaluation takes what it cost, failed ones
    /// too, and at least 1 (and 1 for every 32 instructions). No evaluation goes beyond it: the one that would
    /// fails with ``EvaluationError/Kind/budgetExceeded`` and leaves 0.
    public var budget = Int.max
    private var memory: FrameMemory
    private(set) var registers: Registers

    /// A frame with every slot absent.
    public init(for expression: CompiledExpression) {
        memory = FrameMemory(expression.program)
        registers = memory.registers
    }

    /// Makes sure that nobody else has the memory, before it is changed.
    @inline(__always)
    mutating func own() {
        if !isKnownUniquelyReferenced(&memory) {
            memory = FrameMemory(copying: memory)
            registers = memory.registers
        }
    }

    /// Sets a slot to a number. A slot of another type than double or `dyn` is marked: reading it fails.
    ///
    /// - Precondition: the slot is an index of ``CompiledExpression/slots``; so for all of these.
    public mutating func set(double number: Double, at slot: Int) {
        set(number.bitPattern, .double, .double(number), at: slot)
    }

    /// Sets a slot to a signed integer. A slot of another type than int or `dyn` is marked: reading it fails.
    public mutating func set(int number: Int64, at slot: Int) {
        set(UInt64(bitPattern: number), .int, .int(number), at: slot)
    }

    /// Sets a slot to an unsigned integer. A slot of another type than uint or `dyn` is marked: reading it fails.
    public mutating func set(uint number: UInt64, at slot: Int) {
        set(number, .uint, .uint(number), at: slot)
    }

    /// Sets a slot to true or false. A slot of another type than bool or `dyn` is marked: reading it fails.
    public mutating func set(bool flag: Bool, at slot: Int) {
        set(flag ? 1 : 0, .bool, .bool(flag), at: slot)
    }

    /// Sets a slot to a text. A slot of another type than string or `dyn` is marked: reading it fails.
    public mutating func set(string text: String, at slot: Int) { box(.string(text), at: slot) }

    /// Sets a slot to any value. A slot of another type than the value's or `dyn` is marked: reading it fails.
    public mutating func set(_ value: Value, at slot: Int) {
        switch value {
        case .int(let number): set(int: number, at: slot)
        case .uint(let number): set(uint: number, at: slot)
        case .double(let number): set(double: number, at: slot)
        case .bool(let flag): set(bool: flag, at: slot)
        default: box(value, at: slot)
        }
    }

    /// Makes a slot absent: reading it is an error of the evaluation, `has` is false.
    public mutating func setAbsent(at slot: Int) {
        own()
        precondition(slot >= 0 && slot < registers.slotCount, "no such slot")
        registers.tags[slot] = Self.absent
        if registers.kinds[slot] == .boxed { registers.values[slot] = .null }
    }

    @inline(__always)
    private mutating func set(
        _ word: UInt64, _ kind: Kind, _ value: @autoclosure () -> Value, at slot: Int
    ) {
        own()
        precondition(slot >= 0 && slot < registers.slotCount, "no such slot")
        if registers.kinds[slot] == kind {
            registers.words[slot] = word
            registers.tags[slot] = Self.present
        } else {
            box(value(), at: slot)
        }
    }

    private mutating func box(_ value: Value, at slot: Int) {
        own()
        precondition(slot >= 0 && slot < registers.slotCount, "no such slot")
        if registers.kinds[slot] == .boxed, value.matches(memory.program.slotTypes[slot]) {
            registers.values[slot] = value
            registers.tags[slot] = Self.present
        } else {
            registers.tags[slot] = Self.mismatched
        }
    }
}

// Sendable: the pointers are of the memory beside them, which is copied before it is changed where it is shared.
extension Frame: @unchecked Sendable {}
