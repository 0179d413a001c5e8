extension Checker {
    /// Checks an operator whose operands are checked.
    mutating func operation(_ id: SyntaxNode.ID, _ function: String, _ operands: [SyntaxNode.ID]) {
        guard let builtin = Builtins.byName[function] else { return }
        if operands.count == 2, recordOperation(id, function, operands[0], operands[1]) { return }
        let types = operands.map { type($0) }
        guard let type = builtin.result(for: types) else {
            refuse(
                id, span(id),
                "no such overload: '\(function)' applied to '(\(types.map(\.description).joined(separator: ", ")))'"
                    + advice(function, operands, types))
            return
        }
        result.types[id] = type
        result.resolutions[id] = .builtin(builtin, arguments: operands, field: nil)
        let values = operands.compactMap { result.constants[$0] }
        if values.count == operands.count { fold(id, builtin, values, operands) }
    }

    /// `record["field"]` and `"field" in record`, with a constant name; false for all else. A map whose members are known
    /// may be asked for others in the usual way, with a name that is computed.
    private mutating func recordOperation(
        _ id: SyntaxNode.ID, _ function: String, _ left: SyntaxNode.ID, _ right: SyntaxNode.ID
    ) -> Bool {
        if function == "_[_]", let record = record(of: left) {
            guard case .string(let field) = result.constants[right] else {
                if shapes[left] != nil { return false }
                refuse(
                    id, span(right),
                    "a field of '\(record.name)' is named by a constant text, such as \(record.name)[\"temperature\"]"
                )
                return true
            }
            select(id, left, field)
            return true
        }
        if function == "@in", let record = record(of: right) {
            guard case .string(let field) = result.constants[left] else {
                if shapes[right] != nil { return false }
                refuse(id, span(left), "a field of '\(record.name)' is named by a constant text")
                return true
            }
            presence(id, of: field, in: record, span(left))
            return true
        }
        return false
    }

    /// What to do about operands that do not fit.
    private func advice(_ function: String, _ operands: [SyntaxNode.ID], _ types: [ValueType]) -> String {
        guard types.count == 2 else {
            return function == "!_" ? "; '!' is for bool, compare first (x != 0)" : ""
        }
        if types[0].isNumeric, types[1].isNumeric, types[0] != types[1] {
            return mixAdvice(operands, types)
        }
        if types[0] == .double, types[1] == .double, function == "_%_" {
            return "; the remainder is for integers: int(x) % int(y)"
        }
        if types.contains(.null) {
            let other = types[0] == .null ? operands[1] : operands[0]
            if case .slot = result.resolutions[other] { return "; ask with has(…) whether a field is there" }
        }
        if function == "_+_", types.contains(.string) {
            let other = types[0] == .string ? types[1] : types[0]
            return Builtins.byName["string"]?.result(for: [other]) == nil ? "" : "; convert with string(x)"
        }
        if types.contains(.string), types.contains(where: \.isNumeric) {
            let number = types[0] == .string ? types[1] : types[0]
            return "; convert the text with \(number)(x)"
        }
        return ""
    }

    private func mixAdvice(_ operands: [SyntaxNode.ID], _ types: [ValueType]) -> String {
        for (operand, other) in [(0, 1), (1, 0)] {
            guard case .literal(.int(let number)) = tree.nodes[operands[operand]].kind else { continue }
            switch types[other] {
            case .double: return "; write \(number).0 instead of \(number)"
            case .uint where number >= 0: return "; write \(number)u instead of \(number)"
            default: break
            }
        }
        if types.contains(.double) {
            return "; convert the \(types[0] == .double ? types[1] : types[0]) with double(x)"
        }
        return "; convert one of them with int(x) or uint(x)"
    }

    /// Checks `&&` and `||`.
    mutating func logic(_ id: SyntaxNode.ID, _ left: SyntaxNode.ID, _ right: SyntaxNode.ID) {
        result.types[id] = .bool
        for operand in [left, right] { require(.bool, operand, "'&&' and '||' combine bools") }
    }

    /// Checks that a node may be of a type.
    mutating func require(_ wanted: ValueType, _ id: SyntaxNode.ID, _ why: String) {
        let found = type(id)
        if mode == .typed, !found.fits(wanted) {
            report(
                span(id), "\(why); this is of type \(found)" + (found.isNumeric ? ", compare it (x > 0)" : "")
            )
        }
    }

    /// Checks `condition ? then : otherwise`.
    mutating func conditional(
        _ id: SyntaxNode.ID, _ condition: SyntaxNode.ID, _ then: SyntaxNode.ID, _ otherwise: SyntaxNode.ID
    ) {
        require(.bool, condition, "the condition before '?' has to be a bool")
        let types = [type(then), type(otherwise)]
        if mode == .typed, !types[0].fits(types[1]) {
            let hint =
                types.allSatisfy(\.isNumeric)
                ? mixAdvice([then, otherwise], types) : "; dyn(x) would allow it"
            report(
                span(id),
                "both values of the conditional have to be of one type, these are \(types[0]) and \(types[1])\(hint)"
            )
            return
        }
        result.types[id] = types[0].joined(with: types[1])
        if case .bool(let flag) = result.constants[condition] {
            result.constants[id] = result.constants[flag ? then : otherwise]
        }
    }

    /// Checks a list.
    mutating func list(_ id: SyntaxNode.ID, _ elements: [SyntaxNode.ID]) {
        var type = ValueType.never
        for element in elements { type = type.joined(with: self.type(element)) }
        result.types[id] = .list(type)
        let values = elements.compactMap { result.constants[$0] }
        guard values.count == elements.count else { return }
        let list = Value.list(values)
        do throws(EvaluationError) {
            try meter.charge(reading: list)
            result.constants[id] = list
        } catch {}
    }

    /// Checks a map.
    mutating func map(_ id: SyntaxNode.ID, _ entries: [(key: SyntaxNode.ID, value: SyntaxNode.ID)]) {
        var keyType = ValueType.never
        var valueType = ValueType.never
        var constant: ValueMap? = ValueMap()
        for entry in entries {
            let key = type(entry.key)
            let isAllowed = [ValueType.int, .uint, .bool, .string].contains { key.fits($0) }
            if mode == .typed, !isAllowed {
                report(span(entry.key), "keys of maps are int, uint, bool or string; this is of type \(key)")
            }
            keyType = keyType.joined(with: key)
            valueType = valueType.joined(with: type(entry.value))
            guard let key = result.constants[entry.key], let value = result.constants[entry.value] else {
                constant = nil
                continue
            }
            if constant?.insert(value, for: key) == false { constant = nil }
        }
        result.types[id] = .map(keyType, valueType)
        guard let constant else { return }
        do throws(EvaluationError) {
            try meter.charge(reading: .map(constant))
            result.constants[id] = .map(constant)
        } catch {}
    }

    /// Checks a macro; its range is checked.
    mutating func macro(_ id: SyntaxNode.ID, _ comprehension: Comprehension) {
        let range = type(comprehension.range)
        let element: ValueType
        switch range {
        case .list(let type): element = type
        case .map(let key, _): element = key
        case .dyn, .never: element = .dyn
        default:
            refuse(
                id, span(comprehension.range),
                "'\(comprehension.macro.rawValue)' runs over lists and maps; this is of type \(range)")
            element = .dyn
        }
        declareLocal(comprehension.variable, element, for: id)
        if let predicate = comprehension.predicate {
            check(predicate)
            require(.bool, predicate, "the condition of '\(comprehension.macro.rawValue)' has to be a bool")
        }
        if let transform = comprehension.transform { check(transform) }
        scopes.removeLast()
        switch comprehension.macro {
        case .all, .exists, .existsOne: result.types[id] = .bool
        case .filter: result.types[id] = .list(element)
        case .map: result.types[id] = .list(comprehension.transform.map { type($0) } ?? .dyn)
        }
    }
}
