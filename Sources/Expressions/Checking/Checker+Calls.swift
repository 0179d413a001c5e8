extension Checker {
    /// The full name of a function written as a member of a namespace (`math.abs`); nil where the target is a
    /// value or the function is not known.
    func namespaced(_ target: SyntaxNode.ID, _ function: String) -> String? {
        guard let (namespace, isRooted) = tree.qualifiedName(target) else { return nil }
        let first = namespace.prefix { $0 != "." }
        if !isRooted, scopes.contains(where: { $0.name == first }) { return nil }
        for prefix in isRooted ? [""] : prefixes {
            let name = prefix + namespace + "." + function
            if declarations.functions[name] != nil || Builtins.byName[name] != nil { return name }
            if Builtins.later.contains(name) { return name }
        }
        // A namespace of ours that nothing hides: the function in it is misspelt.
        let isOurs = namespace == "math" || namespace == "strings"
        return isOurs && declarations.variables[namespace] == nil ? "\(namespace).\(function)" : nil
    }

    /// Checks a call. Host functions hide standard ones.
    mutating func call(
        _ id: SyntaxNode.ID, names: [String], _ arguments: [SyntaxNode.ID], isMember: Bool
    ) {
        let types = arguments.map { type($0) }
        for name in names {
            if let function = declarations.functions[name] {
                host(id, function, arguments, types, isMember: isMember)
                return
            }
            guard let builtin = Builtins.byName[name], !isOperator(name) else { continue }
            standard(id, builtin, arguments, types, isMember: isMember)
            return
        }
        unknownFunction(id, names[names.count - 1], isMember: isMember)
    }

    private func isOperator(_ name: String) -> Bool {
        !(name.utf8.first?.isIdentifierStart ?? false) || name.hasPrefix("_")
    }

    private mutating func standard(
        _ id: SyntaxNode.ID, _ builtin: Builtin, _ arguments: [SyntaxNode.ID], _ types: [ValueType],
        isMember: Bool
    ) {
        let name = builtin.name
        let nameSpan = tree.nodes[id].nameSpan
        if isMember, case .global = builtin.style {
            refuse(id, nameSpan, "'\(name)' is no member; write \(name)(…)")
            return
        }
        if !isMember, case .member = builtin.style {
            refuse(id, nameSpan, "'\(name)' is a member; write value.\(name)(…)")
            return
        }
        guard let type = builtin.result(for: types) else {
            let known = builtin.signatures.map { signature(name, $0.parameters, isMember: isMember) }
            noOverload(id, name, types, known, isMember: isMember)
            return
        }
        result.resolutions[id] = .builtin(builtin, arguments: arguments, field: nil)
        result.types[id] = type
        checkConstants(of: builtin, arguments)
        let values = arguments.compactMap { result.constants[$0] }
        if values.count == arguments.count { fold(id, builtin, values, arguments) }
    }

    private mutating func host(
        _ id: SyntaxNode.ID, _ function: HostFunction, _ arguments: [SyntaxNode.ID], _ types: [ValueType],
        isMember: Bool
    ) {
        let fitting = function.overloads.filter { overload in
            overload.isMember == isMember && overload.parameters.count == types.count
                && zip(types, overload.parameters).allSatisfy { $0.fits($1) }
        }
        guard let first = fitting.first else {
            let known = function.overloads.map {
                signature(function.name, $0.parameters, isMember: $0.isMember)
            }
            noOverload(id, function.name, types, known, isMember: isMember)
            return
        }
        let type = fitting.allSatisfy { $0.result == first.result } ? first.result : .dyn
        result.types[id] = type
        result.resolutions[id] = .host(result.hostCalls.count, arguments: arguments)
        result.hostResults.append(type)
        result.hostParameters.append(
            first.parameters.elementsEqual(types) ? [] : fitting.map(\.parameters))
        result.hostCalls.append(
            HostCall(
                function: function.name, span: span(id), argumentSpans: arguments.map { span($0) },
                constantArguments: arguments.map { result.constants[$0] }))
    }

    private func signature(_ name: String, _ parameters: [ValueType], isMember: Bool) -> String {
        let shown = parameters.map(\.description)
        guard isMember, let receiver = shown.first else { return "\(name)(\(shown.joined(separator: ", ")))" }
        return "\(receiver).\(name)(\(shown.dropFirst().joined(separator: ", ")))"
    }

    private mutating func noOverload(
        _ id: SyntaxNode.ID, _ name: String, _ types: [ValueType], _ known: [String], isMember: Bool
    ) {
        var message = "no such overload: \(signature(name, types, isMember: isMember))"
        if !known.isEmpty {
            message += "; there is \(known.prefix(6).joined(separator: ", "))\(known.count > 6 ? ", …" : "")"
        }
        refuse(id, span(id), message)
    }

    private mutating func unknownFunction(_ id: SyntaxNode.ID, _ name: String, isMember: Bool) {
        let nameSpan = tree.nodes[id].nameSpan
        if Builtins.later.contains(name) {
            refuse(id, nameSpan, "the function '\(name)' is not supported in this version")
            return
        }
        let members = isMember ? ["all", "exists", "exists_one", "filter", "map"] : ["has"]
        let standard = Builtins.list.filter { builtin in
            switch builtin.style {
            case .global: !isMember
            case .member: isMember
            case .either: true
            }
        }.map(\.name)
        if members.contains(name) {
            refuse(id, nameSpan, "'\(name)' takes a name and an expression: list.\(name)(x, x > 0)")
            return
        }
        let all = standard.filter { !isOperator($0) } + members + declarations.functions.keys
        refuse(id, nameSpan, "unknown function '\(name)'\(NearName.hint(for: name, in: all))")
    }

    // MARK: Constants

    /// Computes a call of constants. Where a conversion of a text fails, that is a problem now: the text would
    /// fail at every evaluation. Other failures stay where CEL has them, in the evaluation.
    mutating func fold(
        _ id: SyntaxNode.ID, _ builtin: Builtin, _ values: [Value], _ arguments: [SyntaxNode.ID]
    ) {
        do throws(EvaluationError) {
            result.constants[id] = try builtin.call(values, &meter)
        } catch {
            guard mode == .typed, Builtins.checkedConversions.contains(builtin.name),
                case .string = values.first, let argument = arguments.first
            else { return }
            report(span(argument), error.message)
        }
    }

    /// Checks constant arguments whose failure does not depend on the others: patterns and time zones.
    private mutating func checkConstants(of builtin: Builtin, _ arguments: [SyntaxNode.ID]) {
        guard mode == .typed, arguments.count == 2, case .string(let text) = result.constants[arguments[1]]
        else {
            return
        }
        do throws(EvaluationError) {
            if builtin.name == "matches" { _ = try Pattern(text) }
            if builtin.name.hasPrefix("get") { _ = try Builtins.offset(of: text) }
        } catch {
            report(span(arguments[1]), error.message)
        }
    }
}

extension Builtin {
    /// Calls the function with values in an array.
    func call(_ values: [Value], _ meter: inout Meter) throws(EvaluationError) -> Value {
        try values.withUnsafeBufferPointer { buffer throws(EvaluationError) in try body(buffer, &meter) }
    }
}
