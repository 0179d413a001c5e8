extension Compiler {
    /// Puts arguments side by side into fresh value registers.
    private mutating func place(
        _ arguments: [SyntaxNode.ID], _ field: String?, _ left: Operand?, _ leftID: SyntaxNode.ID?
    ) -> (first: Int, count: Int) {
        let count = arguments.count + (field == nil ? 0 : 1)
        let first = valueTop
        for _ in 0..<count { _ = newValue() }
        for (index, argument) in arguments.enumerated() {
            let mark = (wordTop, valueTop)
            let span = tree.nodes[argument].span
            let source: Operand
            if argument == leftID, let left, checked.constants[argument] == nil {
                source = left
            } else if let value = checked.constants[argument] {
                source = constant(value, as: .dyn)
            } else {
                source = compile(argument)
            }
            let target = Operand(register: first + index, type: .dyn)
            if source.isWord {
                let boxed = coerce(source, to: .dyn, at: span)
                // The box is made where it is needed instead of moved.
                code[code.count - 1].c = UInt16(truncatingIfNeeded: target.register)
                _ = boxed
            } else {
                move(source, to: target, at: span)
            }
            (wordTop, valueTop) = mark
        }
        if let field {
            let name = constant(.string(field), as: .string)
            move(name, to: Operand(register: first + count - 1, type: .dyn), at: SourceSpan(start: 0, end: 0))
        }
        return (first, count)
    }

    /// A call of a standard function with boxed arguments.
    mutating func call(
        _ id: SyntaxNode.ID, _ builtin: Builtin, _ arguments: [SyntaxNode.ID], _ field: String?,
        _ left: Operand?
    ) -> Operand {
        let (first, count) = place(arguments, field, left, tree.leftChild(of: id))
        let constants = arguments.map { checked.constants[$0] }
        functions.append(
            Program.FunctionSite(
                body: Builtins.specialized(builtin, constants) ?? builtin.body, first: first, count: count))
        let span = tree.nodes[id].span
        // The first argument's register takes the result; a call without arguments needs one of its own.
        let target = Operand(register: count > 0 ? first : newValue(), type: .dyn)
        emit(.callFunction, functions.count - 1, to: target.register, at: span)
        let type = checked.types[id]
        if type.isScalar { return coerce(target, to: type, at: span) }
        return Operand(register: target.register, type: type)
    }

    /// A call of a host function.
    mutating func host(
        _ id: SyntaxNode.ID, _ call: Int, _ arguments: [SyntaxNode.ID], _ left: Operand?
    ) -> Operand {
        let constants = checked.hostCalls[call].constantArguments.compactMap { $0 }
        let isConstant = constants.count == arguments.count
        let placed = isConstant ? (first: 0, count: 0) : place(arguments, nil, left, tree.leftChild(of: id))
        let type = checked.hostResults[call]
        hosts.append(
            Program.HostSite(
                function: checked.hostCalls[call].function, first: placed.first, count: placed.count,
                constants: isConstant ? constants : nil, result: type,
                parameters: checked.hostParameters[call]))
        let span = tree.nodes[id].span
        let target = Operand(register: placed.count > 0 ? placed.first : newValue(), type: .dyn)
        emit(.callHost, hosts.count - 1, to: target.register, at: span)
        let shown = checked.types[id]
        if shown.isScalar { return coerce(target, to: shown, at: span) }
        return Operand(register: target.register, type: shown)
    }

    /// A list or map of its parts.
    mutating func aggregate(_ id: SyntaxNode.ID, _ opcode: Opcode, _ parts: [SyntaxNode.ID]) -> Operand {
        let (first, count) = place(parts, nil, nil, nil)
        let target = count > 0 ? first : newValue()
        emit(opcode, first, count, to: target, at: tree.nodes[id].span)
        return Operand(register: target, type: checked.types[id])
    }
}

extension Builtins {
    /// A function's body with some work done in advance for constant arguments; nil where there is none to do.
    static func specialized(_ builtin: Builtin, _ constants: [Value?]) -> Builtin.Body? {
        guard builtin.name == "matches", constants.count == 2, case .string(let text) = constants[1] else {
            return nil
        }
        do throws(EvaluationError) {
            let pattern = try Pattern(text)
            return { arguments, meter throws(EvaluationError) in
                guard case .string(let text) = arguments[0] else { throw .noOverload("matches", arguments) }
                return .bool(try pattern.matches(text, &meter))
            }
        } catch {
            return nil
        }
    }
}
