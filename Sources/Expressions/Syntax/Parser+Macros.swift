extension Parser {
    private static let laterMacros: Set<String> = [
        "transformList", "transformMap", "transformMapEntry", "optMap", "optFlatMap", "sortBy",
    ]

    /// `has(operand.field)`.
    mutating func test(
        _ arguments: [SyntaxNode.ID], _ span: SourceSpan
    ) throws(ExpressionProblem) -> SyntaxNode.ID {
        guard arguments.count == 1, case .select(let operand, let field) = tree.nodes[arguments[0]].kind
        else {
            throw ExpressionProblem(
                span: arguments.first.map { self.span($0) } ?? span,
                message: "has() takes one selection of a field, such as has(reading.temperature)")
        }
        return try make(
            .test(operand: operand, field: field), span, name: tree.nodes[arguments[0]].nameSpan)
    }

    /// A call of one of CEL's macros; nil for every other call.
    mutating func memberMacro(
        _ name: String, _ nameSpan: SourceSpan, _ target: SyntaxNode.ID, _ arguments: [SyntaxNode.ID],
        _ span: SourceSpan
    ) throws(ExpressionProblem) -> SyntaxNode.ID? {
        if name == "bind", tree.qualifiedName(target)?.name == "cel" {
            guard arguments.count == 3, let variable = simpleName(arguments[0]) else {
                throw ExpressionProblem(
                    span: nameSpan,
                    message: "cel.bind takes a name, its value, and an expression that uses it")
            }
            return try make(.bind(name: variable, value: arguments[1], body: arguments[2]), span)
        }
        let macro: Comprehension.Macro
        switch (name, arguments.count) {
        case ("all", 2): macro = .all
        case ("exists", 2): macro = .exists
        case ("exists_one", 2), ("existsOne", 2): macro = .existsOne
        case ("filter", 2): macro = .filter
        case ("map", 2), ("map", 3): macro = .map
        case ("all", 3), ("exists", 3), ("exists_one", 3), ("existsOne", 3):
            throw ExpressionProblem(
                span: nameSpan, message: "'\(name)' with two variables is not supported in this version")
        default:
            if Self.laterMacros.contains(name) {
                throw ExpressionProblem(
                    span: nameSpan, message: "the macro '\(name)' is not supported in this version")
            }
            return nil
        }
        guard let variable = simpleName(arguments[0]) else {
            throw ExpressionProblem(
                span: self.span(arguments[0]),
                message: "the first argument of '\(name)' has to be a name for the element, such as x")
        }
        let isMap = macro == .map
        let comprehension = Comprehension(
            macro: macro, range: target, variable: variable,
            predicate: isMap && arguments.count == 2 ? nil : arguments[1],
            transform: isMap ? arguments[arguments.count - 1] : nil)
        return try make(.comprehension(comprehension), span, name: nameSpan)
    }

    private func simpleName(_ id: SyntaxNode.ID) -> String? {
        if case .name(let name, false) = tree.nodes[id].kind { return name }
        return nil
    }
}
