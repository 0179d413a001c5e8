extension Parser {
    /// `(…)` with the values of a call; also gives the span of the closing parenthesis.
    mutating func arguments() throws(ExpressionProblem) -> ([SyntaxNode.ID], SourceSpan) {
        let open = current.span
        advance()
        var arguments: [SyntaxNode.ID] = []
        if !isAt(.closeParenthesis) {
            repeat {
                arguments.append(try expression())
            } while take(.comma)
        }
        let end = try close(.closeParenthesis, "the call lacks its ')', or a comma between arguments", open)
        return (arguments, end)
    }

    /// `[…]`.
    mutating func list(_ open: SourceSpan) throws(ExpressionProblem) -> SyntaxNode.ID {
        advance()
        var elements: [SyntaxNode.ID] = []
        while !isAt(.closeBracket) {
            if isAt(.question) { throw later("optional elements ([?…])") }
            elements.append(try expression())
            if !take(.comma) { break }
        }
        let end = try close(.closeBracket, "the list lacks its ']', or a comma between elements", open)
        return try make(.list(elements), open.union(end))
    }

    /// `{…}`.
    mutating func map(_ open: SourceSpan) throws(ExpressionProblem) -> SyntaxNode.ID {
        advance()
        var entries: [(key: SyntaxNode.ID, value: SyntaxNode.ID)] = []
        while !isAt(.closeBrace) {
            if isAt(.question) { throw later("optional entries ({?…})") }
            let key = try expression()
            try expect(.colon, "an entry of a map is written key: value")
            entries.append((key, try expression()))
            if !take(.comma) { break }
        }
        let end = try close(.closeBrace, "the map lacks its '}', or a comma between entries", open)
        return try make(.map(entries), open.union(end))
    }

    mutating func expect(_ symbol: Symbol, _ message: String) throws(ExpressionProblem) {
        if !take(symbol) { throw unexpected(message) }
    }

    /// Takes a closing bracket and gives its span; where it is missing, the message tells of the opening one.
    mutating func close(
        _ symbol: Symbol, _ message: String, _ open: SourceSpan
    ) throws(ExpressionProblem) -> SourceSpan {
        let span = current.span
        if take(symbol) { return span }
        if case .end = current.kind { throw ExpressionProblem(span: open, message: message) }
        throw unexpected(message)
    }

    /// What stands here and should not.
    func unexpected(_ message: String) -> ExpressionProblem {
        let found: String
        switch current.kind {
        case .end: found = "unexpected end"
        case .reserved(let word):
            return ExpressionProblem(
                span: current.span, message: "'\(word)' is a reserved word of CEL and cannot be a name here")
        default: found = "unexpected '\(text(current.span).printable)'"
        }
        return ExpressionProblem(span: current.span, message: "\(found): \(message)")
    }

    /// Something after a complete expression.
    func trailing() -> ExpressionProblem {
        let advice: [String: String] = ["and": "&&", "AND": "&&", "or": "||", "OR": "||", "mod": "%"]
        let word = text(current.span)
        if let symbol = advice[word] {
            return ExpressionProblem(
                span: current.span, message: "'\(word)' is no operator; write '\(symbol)'")
        }
        switch current.kind {
        case .symbol(.closeParenthesis), .symbol(.closeBracket), .symbol(.closeBrace):
            return unexpected("nothing is open that it could close")
        default: return unexpected("the expression is complete before it; an operator is missing")
        }
    }

    /// Something that CEL has and this version has not.
    func later(_ what: String) -> ExpressionProblem {
        ExpressionProblem(span: current.span, message: "\(what) are not supported in this version")
    }

    func text(_ span: SourceSpan) -> String {
        String(decoding: source.utf8.dropFirst(span.start).prefix(span.end - span.start), as: UTF8.self)
    }
}
