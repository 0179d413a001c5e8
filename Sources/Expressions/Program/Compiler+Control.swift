extension Compiler {
    /// `&&` and `||`. The result is what the left operand gives where that decides; an error of the left operand
    /// is kept while the right one is evaluated, and thrown only where that does not decide.
    mutating func logic(
        _ id: SyntaxNode.ID, isAnd: Bool, _ left: Operand?, _ right: SyntaxNode.ID, _ start: Int,
        _ knownAtStart: Set<Int>
    ) -> Operand {
        let span = tree.nodes[id].span
        let leftID = tree.leftChild(of: id) ?? id
        let first: Operand
        if let value = checked.constants[leftID] {
            if case .bool = value {
                first = constant(value, as: .bool)
            } else {
                first = coerce(constant(value, as: .dyn), to: .bool, at: tree.nodes[leftID].span)
            }
        } else {
            first = coerce(left ?? constant(.null, as: .dyn), to: .bool, at: tree.nodes[leftID].span)
        }
        let result = newRegister(for: .bool)
        move(first, to: result, at: span)
        let end = code.count
        let canFail = code[start..<end].contains { $0.opcode.canFail }
        let exit = emit(isAnd ? .jumpIfFalse : .jumpIfTrue, result.register, at: span)
        if canFail {
            handlers.append(
                Program.Handler(
                    start: start, end: end, target: code.count, flag: result.register, caught: caughtCount))
            caughtCount += 1
            // Where the left operand failed, nothing it checked is known.
            known = knownAtStart
        }
        let caught = caughtCount - 1
        let mark = (wordTop, valueTop)
        let second = compile(right, as: .bool)
        if canFail {
            emit(isAnd ? .finishAnd : .finishOr, second.register, caught, to: result.register, at: span)
        } else {
            move(second, to: result, at: span)
        }
        (wordTop, valueTop) = mark
        known = knownAtStart
        land(exit)
        return result
    }

    /// `condition ? then : otherwise`.
    mutating func conditional(
        _ id: SyntaxNode.ID, _ condition: SyntaxNode.ID, _ then: SyntaxNode.ID, _ otherwise: SyntaxNode.ID
    ) -> Operand {
        let span = tree.nodes[id].span
        let type = checked.types[id]
        let result = newRegister(for: type)
        let test = compile(condition, as: .bool)
        let toOtherwise = emit(.jumpIfFalse, test.register, at: span)
        let knownBefore = known
        let mark = (wordTop, valueTop)
        let first = compile(then, as: type)
        move(first, to: result, at: span)
        let toEnd = emit(.jump, at: span)
        land(toOtherwise)
        (wordTop, valueTop) = mark
        known = knownBefore
        let second = compile(otherwise, as: type)
        move(second, to: result, at: span)
        land(toEnd)
        (wordTop, valueTop) = mark
        known = knownBefore
        return result
    }

    /// `cel.bind(name, value, body)`.
    mutating func bind(_ id: SyntaxNode.ID, _ value: SyntaxNode.ID, _ body: SyntaxNode.ID) -> Operand {
        guard let local = checked.locals[id] else {
            return failing(.host("internal: unknown variable"), tree.nodes[id].span)
        }
        let type = checked.localTypes[local]
        let source = compile(value, as: type)
        let variable = newRegister(for: type)
        move(source, to: variable, at: tree.nodes[id].span)
        locals[local] = variable
        return compile(body)
    }

    /// A macro over a list's elements or a map's keys.
    mutating func macro(_ id: SyntaxNode.ID, _ comprehension: Comprehension, _ range: Operand?) -> Operand {
        let span = tree.nodes[id].span
        guard let local = checked.locals[id] else {
            return failing(.host("internal: unknown variable"), span)
        }
        let elements = newValue()
        let index = newWord()
        let element = newValue()
        let source: Operand
        if let value = checked.constants[comprehension.range] {
            source = constant(value, as: .dyn)
        } else {
            source = coerce(range ?? constant(.null, as: .dyn), to: .dyn, at: span)
        }
        emit(.startLoop, source.register, to: elements, at: tree.nodes[comprehension.range].span)
        let zero = constant(.int(0), as: .int)
        emit(.moveWord, zero.register, to: index, at: span)
        let result = start(comprehension, span)
        let knownBefore = known
        let loop = emit(.nextElement, elements, index, to: element, at: span)
        let toDone = emit(.jump, at: span)
        let payment = emit(.spend, at: span)
        let mark = (wordTop, valueTop)
        locals[local] = coerce(
            Operand(register: element, type: .dyn), to: checked.localTypes[local], at: span)
        let exits = round(comprehension, result, loop, span)
        code[payment].a = UInt16(truncatingIfNeeded: code.count - loop)
        emit(.jump, to: loop, at: span)
        (wordTop, valueTop) = mark
        known = knownBefore
        land(toDone)
        let answer = finish(comprehension, result, span)
        for exit in exits { land(exit) }
        return answer
    }

    /// Sets the accumulator of a macro: a bool, a count or a list.
    private mutating func start(_ comprehension: Comprehension, _ span: SourceSpan) -> Operand {
        let initial: (Value, ValueType) =
            switch comprehension.macro {
            case .all: (.bool(true), .bool)
            case .exists: (.bool(false), .bool)
            case .existsOne: (.int(0), .int)
            case .map, .filter: (.list([]), .list(.dyn))
            }
        let result = newRegister(for: initial.1)
        move(constant(initial.0, as: initial.1), to: result, at: span)
        return result
    }

    /// The code of one element; gives the jumps that leave the macro.
    private mutating func round(
        _ comprehension: Comprehension, _ result: Operand, _ loop: Int, _ span: SourceSpan
    ) -> [Int] {
        // The element as the loop gives it.
        let variable = Operand(register: Int(code[loop].c), type: .dyn)
        switch comprehension.macro {
        case .all, .exists:
            guard let predicate = comprehension.predicate else { return [] }
            let isAll = comprehension.macro == .all
            let start = code.count
            let test = compile(predicate, as: .bool)
            handlers.append(
                Program.Handler(
                    start: start, end: code.count, target: loop, flag: result.register, caught: caughtCount))
            caughtCount += 1
            // Where the element does not decide: on with the next one.
            emit(isAll ? .jumpIfTrue : .jumpIfFalse, test.register, to: loop, at: span)
            emit(.moveWord, test.register, to: result.register, at: span)
            return [emit(.jump, at: span)]
        case .existsOne:
            guard let predicate = comprehension.predicate else { return [] }
            let test = compile(predicate, as: .bool)
            emit(.jumpIfFalse, test.register, to: loop, at: span)
            let one = constant(.int(1), as: .int)
            emit(.addInt, result.register, one.register, to: result.register, at: span)
        case .filter, .map:
            if let predicate = comprehension.predicate {
                let test = compile(predicate, as: .bool)
                emit(.jumpIfFalse, test.register, to: loop, at: span)
            }
            let item = comprehension.transform.map { compile($0, as: .dyn) } ?? variable
            emit(.append, item.register, to: result.register, at: span)
        }
        return []
    }

    /// The result of a macro after its last element.
    private mutating func finish(_ comprehension: Comprehension, _ result: Operand, _ span: SourceSpan)
        -> Operand
    {
        switch comprehension.macro {
        case .all, .exists:
            emit(.rethrowCaught, result.register, caught(of: result), at: span)
            return result
        case .existsOne:
            let answer = newRegister(for: .bool)
            let one = constant(.int(1), as: .int)
            emit(.equalWord, result.register, one.register, to: answer.register, at: span)
            return answer
        case .map, .filter: return result
        }
    }

    /// The number of the error that is caught for a macro's accumulator.
    private func caught(of result: Operand) -> Int {
        handlers.last { $0.flag == result.register }?.caught ?? 0
    }
}
