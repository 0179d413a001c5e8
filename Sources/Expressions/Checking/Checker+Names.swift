extension Checker {
    /// Resolves a name or names joined by dots: the longest beginning that is declared, under each prefix of
    /// the container in turn; the variables of macros come first.
    ///
    /// - Returns: the selections around the resolved part, outermost first, still to be checked.
    mutating func resolveName(_ id: SyntaxNode.ID) -> [SyntaxNode.ID] {
        var chain: [SyntaxNode.ID] = [id]
        while case .select(let operand, _) = tree.nodes[chain[chain.count - 1]].kind { chain.append(operand) }
        let first = chain[chain.count - 1]
        guard case .name(let name, let isRooted) = tree.nodes[first].kind else { return chain }
        if !isRooted, let scope = scopes.last(where: { $0.name == name }) {
            result.resolutions[first] = .local(scope.local)
            result.types[first] = result.localTypes[scope.local]
            return Array(chain.dropLast())
        }
        for (index, node) in chain.enumerated() where tree.nodes[node].nameCount <= longestName {
            guard let (qualified, _) = tree.qualifiedName(node) else { continue }
            for prefix in isRooted ? [""] : prefixes where resolve(prefix + qualified, as: node) {
                return Array(chain[..<index])
            }
        }
        unknownName(first, name, chain)
        return Array(chain.dropLast())
    }

    /// Resolves a full name; false where nothing has it.
    private mutating func resolve(_ name: String, as id: SyntaxNode.ID) -> Bool {
        if let type = declarations.variables[name] {
            if case .record = type {
                result.types[id] = type
                result.resolutions[id] = .record
            } else {
                result.resolutions[id] = .slot(slot(.variable(name), type, isRead: true))
                result.types[id] = mode == .typed ? type : .dyn
            }
            return true
        }
        if let value = Builtins.typeNames[name] {
            result.constants[id] = value
            result.types[id] = mode == .typed ? .type : .dyn
            return true
        }
        return false
    }

    private mutating func unknownName(_ id: SyntaxNode.ID, _ name: String, _ chain: [SyntaxNode.ID]) {
        var known = Array(declarations.variables.keys) + scopes.map(\.name)
        var hint = NearName.hint(for: name, in: known)
        if hint.isEmpty {
            // Somebody may have left out the record: temperature instead of reading.temperature.
            for case (let variable, .record(let record)) in declarations.variables.sorted(by: {
                $0.key < $1.key
            })
            where record.fields[name] != nil {
                hint = "; did you mean '\(variable).\(name)'?"
            }
        }
        if hint.isEmpty {
            let isFunction = Builtins.byName[name] != nil || declarations.functions[name] != nil
            known.sort()
            hint =
                isFunction
                ? "; it is a function: \(name)(…)"
                : known.isEmpty ? "" : "; known: \(known.prefix(8).joined(separator: ", "))"
        }
        refuse(id, span(id), "unknown name '\(name)'\(hint)", .noSuchField)
    }

    /// The number of a slot, made where it is new.
    mutating func slot(_ source: Slot.Source, _ type: ValueType, isRead: Bool) -> Int {
        if let number = slotNumbers[source] {
            let known = result.slots[number]
            result.slots[number] = Slot(
                source: source, type: type, isRead: known.isRead || isRead,
                isTested: known.isTested || !isRead)
            return number
        }
        let number = result.slots.count
        slotNumbers[source] = number
        result.slots.append(Slot(source: source, type: type, isRead: isRead, isTested: !isRead))
        return number
    }

    // MARK: Fields

    /// The record that an operand is, or whose members it has; nil for all else.
    func record(of operand: SyntaxNode.ID) -> RecordType? {
        if case .record(let record) = result.types[operand] { return record }
        return shapes[operand]
    }

    /// Checks `operand.field`.
    mutating func select(_ id: SyntaxNode.ID, _ operand: SyntaxNode.ID, _ field: String) {
        if let record = record(of: operand) {
            guard let type = fieldType(field, of: record, id, tree.nodes[id].nameSpan) else { return }
            result.resolutions[id] = .slot(slot(.field(record: record.name, name: field), type, isRead: true))
            result.types[id] = mode == .typed ? type : .dyn
            shapes[id] = record.members[field]
            return
        }
        fieldFunction(id, Builtins.select, operand, field)
    }

    /// Checks `has(operand.field)`.
    mutating func test(_ id: SyntaxNode.ID, _ operand: SyntaxNode.ID, _ field: String) {
        if let record = record(of: operand) {
            presence(id, of: field, in: record, tree.nodes[id].nameSpan)
            return
        }
        fieldFunction(id, Builtins.has, operand, field)
    }

    /// Makes a node the question whether a record has a field.
    mutating func presence(_ id: SyntaxNode.ID, of field: String, in record: RecordType, _ span: SourceSpan) {
        guard let type = fieldType(field, of: record, id, span) else { return }
        result.resolutions[id] = .presence(
            slot(.field(record: record.name, name: field), type, isRead: false))
        result.types[id] = .bool
    }

    /// The type of a record's field; nil, and a problem, where there is none.
    private mutating func fieldType(
        _ field: String, of record: RecordType, _ id: SyntaxNode.ID, _ span: SourceSpan
    ) -> ValueType? {
        if let type = record.fields[field] { return type }
        if record.isOpen { return record.otherType }
        var hint = NearName.hint(for: field, in: record.fields.keys)
        if hint.isEmpty {
            let names = record.fields.keys.sorted()
            hint = names.isEmpty ? "; it has none" : "; it has \(names.prefix(8).joined(separator: ", "))"
            if names.count > 8 { hint += ", …" }
        }
        refuse(id, span, "'\(record.name)' has no field '\(field)'\(hint)", .noSuchField)
        return nil
    }

    private mutating func fieldFunction(
        _ id: SyntaxNode.ID, _ function: String, _ operand: SyntaxNode.ID, _ field: String
    ) {
        guard let builtin = Builtins.byName[function] else { return }
        let operandType = type(operand)
        guard let type = builtin.result(for: [operandType, .string]) else {
            refuse(
                id, tree.nodes[id].nameSpan,
                "a value of type \(operandType) has no field '\(field)'; only records and maps have fields")
            return
        }
        result.resolutions[id] = .builtin(builtin, arguments: [operand], field: field)
        result.types[id] = type
        if let map = result.constants[operand] { fold(id, builtin, [map, .string(field)], []) }
    }
}
