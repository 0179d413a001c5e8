/// Runs a program over a frame's memory.
///
/// Registers are read and written without bounds checks: the compiler numbers them, ``FrameMemory`` has as many
/// as the compiler counted, and an expression runs only on frames made for it. The machine itself is not
/// generic: it stops for a call of the host, which ``CompiledExpression`` makes, and goes on after it.
struct Machine {
    let code: UnsafeMutablePointer<Instruction>
    let words: UnsafeMutablePointer<UInt64>
    let values: UnsafeMutablePointer<Value>
    let tags: UnsafeMutablePointer<UInt8>
    let codeCount: Int
    var meter: Meter
    private let caught: UnsafeMutablePointer<EvaluationError?>
    /// Not counted: the frame keeps it alive while the machine runs.
    private let unmanaged: Unmanaged<Program>

    /// What an error that is caught costs, and a call of the host.
    private static let catchCost = 4
    private static let hostCost = 8

    private var program: Program { unmanaged.takeUnretainedValue() }

    @inline(__always)
    init(_ registers: Registers, _ program: Program, limit: Int) {
        code = registers.code
        words = registers.words
        values = registers.values
        tags = registers.tags
        codeCount = registers.codeCount
        caught = registers.caught
        meter = Meter(limit: limit)
        unmanaged = .passUnretained(program)
    }

    private func int(_ register: UInt16) -> Int64 { Int64(bitPattern: words[Int(register)]) }
    private func uint(_ register: UInt16) -> UInt64 { words[Int(register)] }
    private func double(_ register: UInt16) -> Double { Double(bitPattern: words[Int(register)]) }
    private func flag(_ register: UInt16) -> Bool { words[Int(register)] == 1 }
    private func set(_ number: Int64, _ register: UInt16) {
        words[Int(register)] = UInt64(bitPattern: number)
    }
    private func set(_ number: UInt64, _ register: UInt16) { words[Int(register)] = number }
    private func set(_ number: Double, _ register: UInt16) { words[Int(register)] = number.bitPattern }
    private func set(_ flag: Bool, _ register: UInt16) { words[Int(register)] = flag ? 1 : 0 }

    /// Runs from a position to the end, or to a call of the host.
    ///
    /// - Returns: nil at the end, where the result is in its register; else the position of the call.
    @inline(__always)
    mutating func run(from start: Int) throws(EvaluationError) -> Int? {
        var position = start
        while position < codeCount {
            let instruction = code[position]
            if instruction.opcode == .callHost { return position }
            position += 1
            do throws(EvaluationError) {
                let target = try step(instruction, position)
                if target >= 0 { position = target }
            } catch {
                position = try recover(from: error, at: position - 1)
            }
        }
        return nil
    }

    /// Where to go on after an error at an instruction.
    ///
    /// - Throws: the error, with its place in the source, where nothing catches it.
    @inline(never)
    mutating func recover(from error: EvaluationError, at position: Int) throws(EvaluationError)
        -> Int
    {
        var error = error
        if error.span == SourceSpan(start: 0, end: 0) { error.span = program.spans[position] }
        guard error.kind != .costExceeded,
            let handler = program.handlers.first(where: { $0.start <= position && position < $0.end })
        else { throw error }
        // Making an error takes longer than the instruction that failed.
        try meter.charge(Self.catchCost)
        caught[handler.caught] = error
        words[handler.flag] = 2
        return handler.target
    }

    /// Runs one instruction, `position` being the one after it; gives where to
    /// go on, negative for the next one.
    @inline(__always)
    private mutating func step(
        _ instruction: Instruction, _ position: Int
    ) throws(EvaluationError) -> Int {
        let (a, b, c) = (instruction.a, instruction.b, instruction.c)
        switch instruction.opcode {
        case .addDouble: set(double(a) + double(b), c)
        case .subtractDouble: set(double(a) - double(b), c)
        case .multiplyDouble: set(double(a) * double(b), c)
        case .divideDouble: set(double(a) / double(b), c)
        case .negateDouble: set(-double(a), c)
        case .absoluteDouble: set(double(a).magnitude, c)
        case .rootDouble: set(double(a).squareRoot(), c)
        case .floorDouble: set(double(a).rounded(.down), c)
        case .ceilDouble: set(double(a).rounded(.up), c)
        case .roundDouble: set(double(a).rounded(.toNearestOrAwayFromZero), c)
        case .truncateDouble: set(double(a).rounded(.towardZero), c)
        case .intToDouble: set(Double(int(a)), c)
        case .uintToDouble: set(Double(uint(a)), c)
        case .requireSlot: if tags[Int(a)] != Frame.present { throw missing(Int(a)) }
        case .slotPresence: set(tags[Int(a)] != Frame.absent, c)
        case .lessDouble: set(double(a) < double(b), c)
        case .lessOrEqualDouble: set(double(a) <= double(b), c)
        case .equalDouble: set(double(a) == double(b), c)
        case .unequalDouble: set(double(a) != double(b), c)
        case .jump: return Int(c)
        case .jumpIfFalse: if !flag(a) { return Int(c) }
        case .jumpIfTrue: if flag(a) { return Int(c) }
        case .moveWord: set(uint(a), c)
        case .not: set(!flag(a), c)
        case .equalWord: set(uint(a) == uint(b), c)
        case .unequalWord: set(uint(a) != uint(b), c)
        case .lessInt: set(int(a) < int(b), c)
        case .lessOrEqualInt: set(int(a) <= int(b), c)
        case .lessUint: set(uint(a) < uint(b), c)
        case .lessOrEqualUint: set(uint(a) <= uint(b), c)
        case .addInt: set(try Builtins.checked(int(a).addingReportingOverflow(int(b))), c)
        case .subtractInt: set(try Builtins.checked(int(a).subtractingReportingOverflow(int(b))), c)
        case .multiplyInt: set(try Builtins.checked(int(a).multipliedReportingOverflow(by: int(b))), c)
        case .divideInt:
            if int(b) == 0 { throw .divisionByZero }
            set(try Builtins.checked(int(a).dividedReportingOverflow(by: int(b))), c)
        case .remainderInt:
            if int(b) == 0 { throw .remainderByZero }
            set(try Builtins.checked(int(a).remainderReportingOverflow(dividingBy: int(b))), c)
        case .negateInt: set(try Builtins.checked(Int64(0).subtractingReportingOverflow(int(a))), c)
        case .addUint: set(try Builtins.checked(uint(a).addingReportingOverflow(uint(b))), c)
        case .subtractUint: set(try Builtins.checked(uint(a).subtractingReportingOverflow(uint(b))), c)
        case .multiplyUint: set(try Builtins.checked(uint(a).multipliedReportingOverflow(by: uint(b))), c)
        case .divideUint:
            if uint(b) == 0 { throw .divisionByZero }
            set(uint(a) / uint(b), c)
        case .remainderUint:
            if uint(b) == 0 { throw .remainderByZero }
            set(uint(a) % uint(b), c)
        case .unboxDouble:
            guard case .double(let number) = values[Int(a)] else { throw wrongType(values[Int(a)], "double") }
            set(number, c)
        case .boxDouble: values[Int(c)] = .double(double(a))
        case .finishAnd:
            if flag(a) { try finish(b, c, true) } else { set(false, c) }
        case .finishOr:
            if flag(a) { set(true, c) } else { try finish(b, c, false) }
        case .rethrowCaught: if uint(a) == 2 { throw caught[Int(b)] ?? .host("internal: lost error") }
        default: return try stepValues(instruction, position)
        }
        return -1
    }

    /// The result of a logic operator whose right operand does not decide.
    @inline(__always)
    private func finish(_ error: UInt16, _ result: UInt16, _ neutral: Bool) throws(EvaluationError) {
        if words[Int(result)] == 2 { throw caught[Int(error)] ?? .host("internal: lost error") }
        set(neutral, result)
    }

    /// The instructions on boxed values, apart, so that the loop over the others stays small.
    @inline(never)
    private mutating func stepValues(
        _ instruction: Instruction, _ position: Int
    ) throws(EvaluationError) -> Int {
        let (a, b, c) = (Int(instruction.a), Int(instruction.b), Int(instruction.c))
        switch instruction.opcode {
        case .moveValue: values[c] = values[a]
        case .boxInt: values[c] = .int(Int64(bitPattern: words[a]))
        case .boxUint: values[c] = .uint(words[a])
        case .boxBool: values[c] = .bool(words[a] == 1)
        case .unboxInt:
            guard case .int(let number) = values[a] else { throw wrongType(values[a], "int") }
            words[c] = UInt64(bitPattern: number)
        case .unboxUint:
            guard case .uint(let number) = values[a] else { throw wrongType(values[a], "uint") }
            words[c] = number
        case .unboxBool:
            guard case .bool(let flag) = values[a] else { throw wrongType(values[a], "bool") }
            words[c] = flag ? 1 : 0
        case .equalValue: words[c] = try values[a].equals(values[b], &meter) ? 1 : 0
        case .unequalValue: words[c] = try values[a].equals(values[b], &meter) ? 0 : 1
        case .fail: throw program.errors[a]
        case .callFunction:
            try meter.charge(1)
            let site = program.functions[a]
            values[c] = try site.body(
                UnsafeBufferPointer(start: values + site.first, count: site.count), &meter)
        case .makeList:
            let list = Value.list(Array(UnsafeBufferPointer(start: values + a, count: b)))
            try meter.charge(reading: list)
            values[c] = list
        case .makeMap: values[c] = .map(try map(of: UnsafeBufferPointer(start: values + a, count: b)))
        case .startLoop: values[c] = .list(try elements(of: values[a]))
        case .nextElement:
            let index = Int(words[b])
            guard case .list(let elements) = values[a], index < elements.count else { return -1 }
            values[c] = elements[index]
            words[b] += 1
            return position + 1
        case .spend: try meter.charge(a)
        case .append: try append(values[a], to: c)
        default: throw .host("internal: unknown instruction")
        }
        return -1
    }

    private mutating func map(of parts: UnsafeBufferPointer<Value>) throws(EvaluationError)
        -> ValueMap
    {
        var map = ValueMap()
        for index in stride(from: parts.startIndex, to: parts.endIndex, by: 2) {
            let key = parts[index]
            guard MapKey(storing: key) != nil else {
                throw EvaluationError(
                    kind: .noSuchOverload,
                    message: "keys of maps are int, uint, bool or string; this is of type \(key.typeName)")
            }
            if !map.insert(parts[index + 1], for: key) {
                throw .invalid("the map has the key \(key.short) twice")
            }
        }
        try meter.charge(reading: .map(map))
        return map
    }

    private mutating func elements(of value: Value) throws(EvaluationError) -> [Value] {
        switch value {
        case .list(let elements): return elements
        case .map(let map):
            try meter.charge(map.count)
            return map.entries.map(\.key)
        default:
            throw EvaluationError(
                kind: .noSuchOverload,
                message: "macros run over lists and maps; this is of type \(value.typeName)")
        }
    }

    private mutating func append(_ value: Value, to register: Int) throws(EvaluationError) {
        try meter.charge(1)
        try meter.charge(reading: value)
        guard case .list(var list) = values[register] else { return }
        // The register lets go of the list first, so that appending does not copy it.
        values[register] = .null
        list.append(value)
        values[register] = .list(list)
    }

    /// Asks the host for the call at a position.
    ///
    /// - Returns: where to go on.
    @inline(never)
    mutating func call(_ host: some HostEnvironment, at position: Int) throws(EvaluationError) -> Int {
        let instruction = code[position]
        let site = program.hosts[Int(instruction.a)]
        do throws(EvaluationError) {
            try meter.charge(Self.hostCost)
            let arguments =
                site.constants ?? Array(UnsafeBufferPointer(start: values + site.first, count: site.count))
            let fits =
                site.parameters.isEmpty
                || site.parameters.contains { zip(arguments, $0).allSatisfy { $0.matches($1) } }
            guard fits else { throw .noOverload(site.function, arguments) }
            let value = try host.call(site.function, arguments)
            guard value.matches(site.result) else {
                throw EvaluationError(
                    kind: .typeMismatch,
                    message:
                        "'\(site.function)' answered a \(value.typeName) where a \(site.result) was declared")
            }
            values[Int(instruction.c)] = value
            return position + 1
        } catch {
            return try recover(from: error, at: position)
        }
    }

    @inline(never)
    private func missing(_ slot: Int) -> EvaluationError {
        let name = program.slotNames[slot]
        if tags[slot] == Frame.mismatched {
            return EvaluationError(
                kind: .typeMismatch, message: "\(name) is not of its declared type \(program.slotTypes[slot])"
            )
        }
        return EvaluationError(kind: .noSuchField, message: "\(name) has no value")
    }

    @inline(never)
    private func wrongType(_ value: Value, _ wanted: String) -> EvaluationError {
        var message = "no such overload: a value of type \(value.typeName) where a \(wanted) is needed"
        switch (value, wanted) {
        case (.int, "double"), (.uint, "double"), (.double, "int"), (.uint, "int"), (.int, "uint"),
            (.string, "int"),
            (.string, "double"):
            message += "; convert it with \(wanted)(x)"
        default: break
        }
        return EvaluationError(kind: .noSuchOverload, message: message)
    }
}
