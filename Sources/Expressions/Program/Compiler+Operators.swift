extension Compiler {
    /// An operator on unboxed operands; nil where there is none for these types.
    mutating func fast(
        _ id: SyntaxNode.ID, _ function: String, _ arguments: [SyntaxNode.ID], _ left: Operand?
    ) -> Operand? {
        let types = arguments.map { checked.types[$0] }
        if types.count == 1 { return unary(id, function, arguments[0], types[0], left) }
        guard types.count == 2 else { return nil }
        if function == "_==_" || function == "_!=_" {
            return equality(id, isEqual: function == "_==_", arguments, types, left)
        }
        if let (opcode, swapped, type) = Self.comparison(function, types) {
            return binary(id, opcode, arguments, as: type, to: .bool, left, swapped: swapped)
        }
        // With one side known, arithmetic has one overload, and the other side is checked when it is unboxed.
        guard let type = types.first(where: \.isNumeric), types.allSatisfy({ $0 == type || $0 == .dyn }),
            let opcode = Self.arithmetic(function, type)
        else { return nil }
        return binary(id, opcode, arguments, as: type, to: type, left, swapped: false)
    }

    private static func arithmetic(_ function: String, _ type: ValueType) -> Opcode? {
        switch (function, type) {
        case ("_+_", .double): .addDouble
        case ("_-_", .double): .subtractDouble
        case ("_*_", .double): .multiplyDouble
        case ("_/_", .double): .divideDouble
        case ("_+_", .int): .addInt
        case ("_-_", .int): .subtractInt
        case ("_*_", .int): .multiplyInt
        case ("_/_", .int): .divideInt
        case ("_%_", .int): .remainderInt
        case ("_+_", .uint): .addUint
        case ("_-_", .uint): .subtractUint
        case ("_*_", .uint): .multiplyUint
        case ("_/_", .uint): .divideUint
        case ("_%_", .uint): .remainderUint
        default: nil
        }
    }

    /// The comparison of two scalars of one type, and whether its operands are exchanged.
    private static func comparison(_ function: String, _ types: [ValueType]) -> (Opcode, Bool, ValueType)? {
        guard types[0] == types[1], types[0].isScalar else { return nil }
        let orEqual = function == "_<=_" || function == "_>=_"
        guard orEqual || function == "_<_" || function == "_>_" else { return nil }
        let opcode: Opcode =
            switch types[0] {
            case .double: orEqual ? .lessOrEqualDouble : .lessDouble
            case .int: orEqual ? .lessOrEqualInt : .lessInt
            default: orEqual ? .lessOrEqualUint : .lessUint
            }
        return (opcode, function == "_>_" || function == "_>=_", types[0])
    }

    private mutating func equality(
        _ id: SyntaxNode.ID, isEqual: Bool, _ arguments: [SyntaxNode.ID], _ types: [ValueType],
        _ left: Operand?
    ) -> Operand {
        if types[0] == types[1], types[0].isScalar {
            let isDouble = types[0] == .double
            let opcode: Opcode =
                isEqual ? (isDouble ? .equalDouble : .equalWord) : (isDouble ? .unequalDouble : .unequalWord)
            return binary(id, opcode, arguments, as: types[0], to: .bool, left, swapped: false)
        }
        return binary(
            id, isEqual ? .equalValue : .unequalValue, arguments, as: .dyn, to: .bool, left, swapped: false)
    }

    private mutating func binary(
        _ id: SyntaxNode.ID, _ opcode: Opcode, _ arguments: [SyntaxNode.ID], as type: ValueType,
        to result: ValueType, _ left: Operand?, swapped: Bool
    ) -> Operand {
        let first = operand(arguments[0], left, as: type)
        let second = compile(arguments[1], as: type)
        let target = newRegister(for: result)
        emit(
            opcode, swapped ? second.register : first.register, swapped ? first.register : second.register,
            to: target.register, at: tree.nodes[id].span)
        return target
    }

    /// The left operand in the form of a type.
    private mutating func operand(_ id: SyntaxNode.ID, _ left: Operand?, as type: ValueType) -> Operand {
        if checked.constants[id] != nil { return compile(id, as: type) }
        guard let left else { return compile(id, as: type) }
        return coerce(left, to: type, at: tree.nodes[id].span)
    }

    private mutating func unary(
        _ id: SyntaxNode.ID, _ function: String, _ argument: SyntaxNode.ID, _ type: ValueType,
        _ left: Operand?
    ) -> Operand? {
        let opcode: Opcode
        var result = type
        switch (function, type) {
        case ("-_", .double): opcode = .negateDouble
        case ("-_", .int): opcode = .negateInt
        case ("!_", .bool), ("!_", .dyn):
            opcode = .not
            result = .bool
        case ("math.abs", .double): opcode = .absoluteDouble
        case ("math.sqrt", .double): opcode = .rootDouble
        case ("math.floor", .double): opcode = .floorDouble
        case ("math.ceil", .double): opcode = .ceilDouble
        case ("math.round", .double): opcode = .roundDouble
        case ("math.trunc", .double): opcode = .truncateDouble
        case ("double", .int):
            opcode = .intToDouble
            result = .double
        case ("double", .uint):
            opcode = .uintToDouble
            result = .double
        case ("double", .double), ("int", .int), ("uint", .uint), ("bool", .bool):
            return operand(argument, left, as: type)
        default: return nil
        }
        let source = operand(argument, left, as: function == "!_" ? .bool : type)
        let target = newRegister(for: result)
        emit(opcode, source.register, to: target.register, at: tree.nodes[id].span)
        return target
    }
}
