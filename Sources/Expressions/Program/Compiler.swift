/// Makes a program of a checked expression.
struct Compiler {
    /// Where a part's result is: a register of the bank that the type tells.
    struct Operand {
        let register: Int
        /// The type; scalars are words, all else values.
        let type: ValueType
        var isWord: Bool { type.isScalar }
    }

    let checked: CheckedTree
    var tree: SyntaxTree { checked.tree }
    var code: [Instruction] = []
    var spans: [SourceSpan] = []
    var functions: [Program.FunctionSite] = []
    var hosts: [Program.HostSite] = []
    var handlers: [Program.Handler] = []
    var errors: [EvaluationError] = []
    /// Words and values of slots and constants; the working registers come after `base`.
    var words: [UInt64]
    var values: [Value]
    let base: Int
    /// The next free working registers, and the most ever used.
    var wordTop: Int
    var valueTop: Int
    var wordHigh: Int
    var valueHigh: Int
    /// The registers of macro variables.
    var locals: [Int: Operand] = [:]
    /// Slots that have been found present on every way to here.
    var known: Set<Int> = []
    var caughtCount = 0

    /// Compiles.
    ///
    /// - Throws: a problem where the program would be too large.
    static func compile(
        _ checked: CheckedTree, maximumCost: Int
    ) throws(ExpressionProblem) -> Program {
        var compiler = Compiler(checked)
        let root = compiler.compile(checked.tree.root)
        let highest = max(
            compiler.code.count, compiler.wordHigh, compiler.valueHigh, compiler.functions.count)
        let constants = max(compiler.words.count, compiler.values.count)
        if highest > Int(UInt16.max) || constants > compiler.base {
            throw ExpressionProblem(
                span: checked.tree.nodes[checked.tree.root].span,
                message: "the expression is too large; split it into several")
        }
        let words = compiler.words + Array(repeating: 0, count: compiler.wordHigh - compiler.words.count)
        let values =
            compiler.values + Array(repeating: .null, count: compiler.valueHigh - compiler.values.count)
        return Program(
            code: compiler.code, spans: compiler.spans, functions: compiler.functions, hosts: compiler.hosts,
            handlers: compiler.handlers, errors: compiler.errors,
            result: Program.Result(kind: Frame.Kind(root.type), register: root.register),
            slots: checked.slots,
            words: words, values: values, maximumCost: maximumCost)
    }

    private init(_ checked: CheckedTree) {
        self.checked = checked
        words = Array(repeating: 0, count: checked.slots.count)
        values = Array(repeating: .null, count: checked.slots.count)
        // Room for every constant that may be used, and the few that the compiler makes.
        base = checked.slots.count + 2 * checked.constants.count + 2
        wordTop = base
        valueTop = base
        wordHigh = base
        valueHigh = base
    }

    // MARK: Emitting

    /// A register number that fits an instruction; numbers beyond are cut, and the program refused at the end.
    private func cut(_ number: Int) -> UInt16 { UInt16(truncatingIfNeeded: number) }

    @discardableResult
    mutating func emit(_ opcode: Opcode, _ a: Int = 0, _ b: Int = 0, to c: Int = 0, at span: SourceSpan)
        -> Int
    {
        code.append(Instruction(opcode: opcode, a: cut(a), b: cut(b), c: cut(c)))
        spans.append(span)
        return code.count - 1
    }

    /// Makes a jump go to here.
    mutating func land(_ jump: Int) { code[jump].c = cut(code.count) }

    mutating func newWord() -> Int {
        wordTop += 1
        wordHigh = max(wordHigh, wordTop)
        return wordTop - 1
    }

    mutating func newValue() -> Int {
        valueTop += 1
        valueHigh = max(valueHigh, valueTop)
        return valueTop - 1
    }

    mutating func newRegister(for type: ValueType) -> Operand {
        Operand(register: type.isScalar ? newWord() : newValue(), type: type)
    }

    /// A register that holds a constant: a word where it is of the scalar type, else a value.
    mutating func constant(_ value: Value, as type: ValueType) -> Operand {
        if type.isScalar, value.staticType == type, let word = value.word {
            if let same = words[checked.slots.count...].firstIndex(of: word) {
                return Operand(register: same, type: type)
            }
            words.append(word)
            return Operand(register: words.count - 1, type: type)
        }
        values.append(value)
        return Operand(register: values.count - 1, type: type.isScalar ? .dyn : type)
    }

    mutating func move(_ operand: Operand, to target: Operand, at span: SourceSpan) {
        if operand.register == target.register { return }
        emit(operand.isWord ? .moveWord : .moveValue, operand.register, to: target.register, at: span)
    }

    /// The operand in the form of a type: boxed, unboxed with a check, or as it is.
    mutating func coerce(_ operand: Operand, to type: ValueType, at span: SourceSpan) -> Operand {
        if operand.isWord == type.isScalar {
            if !operand.isWord || operand.type == type { return operand }
            // Scalars of two types: what fails where the value is looked at.
            return coerce(coerce(operand, to: .dyn, at: span), to: type, at: span)
        }
        let target = newRegister(for: type.isScalar ? type : .dyn)
        let opcode: Opcode =
            switch operand.isWord ? operand.type : type {
            case .int: operand.isWord ? .boxInt : .unboxInt
            case .uint: operand.isWord ? .boxUint : .unboxUint
            case .double: operand.isWord ? .boxDouble : .unboxDouble
            default: operand.isWord ? .boxBool : .unboxBool
            }
        emit(opcode, operand.register, to: target.register, at: span)
        return target
    }

    // MARK: Walking

    /// Compiles a node in the form of a type.
    mutating func compile(_ id: SyntaxNode.ID, as type: ValueType) -> Operand {
        if let value = checked.constants[id] {
            if !type.isScalar { return constant(value, as: type) }
            if value.staticType == type { return constant(value, as: type) }
        }
        let operand = compile(id)
        return coerce(operand, to: type, at: tree.nodes[id].span)
    }

    /// Compiles a node and all below it.
    mutating func compile(_ id: SyntaxNode.ID) -> Operand {
        var chain = [id]
        while !isLeaf(chain[chain.count - 1]), let left = tree.leftChild(of: chain[chain.count - 1]) {
            chain.append(left)
        }
        let start = code.count
        let knownAtStart = known
        var left: Operand?
        for node in chain.reversed() {
            if let value = checked.constants[node] {
                // A constant operand is put where it is used.
                left = node == id ? constant(value, as: checked.types[node]) : nil
                continue
            }
            left = compile(node, left: left, start: start, knownAtStart: knownAtStart)
        }
        return left ?? constant(.null, as: .null)
    }

    /// Whether nothing below a node is evaluated on its own.
    private func isLeaf(_ id: SyntaxNode.ID) -> Bool {
        if checked.constants[id] != nil { return true }
        switch checked.resolutions[id] {
        case .structural: return false
        case .slot, .presence, .record, .local, .failure: return true
        case .builtin(_, let arguments, _), .host(_, let arguments):
            // A namespace before a function is no value.
            return tree.leftChild(of: id) != arguments.first
        }
    }

    /// Compiles a node whose left operand, if it has one, is compiled.
    private mutating func compile(
        _ id: SyntaxNode.ID, left: Operand?, start: Int, knownAtStart: Set<Int>
    ) -> Operand {
        let node = tree.nodes[id]
        switch checked.resolutions[id] {
        case .slot(let slot): return read(slot, at: node.span)
        case .presence(let slot):
            let target = newRegister(for: .bool)
            emit(.slotPresence, slot, to: target.register, at: node.span)
            return target
        case .local(let local):
            return locals[local] ?? failing(.host("internal: unknown variable"), node.span)
        case .record: return failing(.host("a record is no value"), node.span)
        case .failure(let error): return failing(error, node.span)
        case .host(let call, let arguments): return host(id, call, arguments, left)
        case .builtin(let builtin, let arguments, let field):
            if field == nil, let fast = fast(id, builtin.name, arguments, left) { return fast }
            return call(id, builtin, arguments, field, left)
        case .structural: break
        }
        switch node.kind {
        case .and(_, let right): return logic(id, isAnd: true, left, right, start, knownAtStart)
        case .or(_, let right): return logic(id, isAnd: false, left, right, start, knownAtStart)
        case .conditional(let condition, let then, let otherwise):
            return conditional(id, condition, then, otherwise)
        case .list(let elements): return aggregate(id, .makeList, elements)
        case .map(let entries): return aggregate(id, .makeMap, entries.flatMap { [$0.key, $0.value] })
        case .comprehension(let comprehension): return macro(id, comprehension, left)
        case .bind(_, let value, let body): return bind(id, value, body)
        default: return failing(.host("internal: unresolved part"), node.span)
        }
    }

    mutating func failing(_ error: EvaluationError, _ span: SourceSpan) -> Operand {
        errors.append(error)
        emit(.fail, errors.count - 1, at: span)
        return newRegister(for: .dyn)
    }

    /// A slot's register, after the check that it has a value, which one check tells for all that follows.
    private mutating func read(_ slot: Int, at span: SourceSpan) -> Operand {
        if known.insert(slot).inserted { emit(.requireSlot, slot, at: span) }
        return Operand(register: slot, type: checked.slots[slot].type)
    }
}

extension Value {
    /// The bits of a scalar; nil for all else.
    var word: UInt64? {
        switch self {
        case .int(let number): UInt64(bitPattern: number)
        case .uint(let number): number
        case .double(let number): number.bitPattern
        case .bool(let flag): flag ? 1 : 0
        default: nil
        }
    }
}
