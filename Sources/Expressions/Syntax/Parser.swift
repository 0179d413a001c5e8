/// Reads tokens as an expression (CEL's grammar), by precedence climbing. Recursion is bounded by
/// ``ExpressionLimits/maximumDepth``; chains on one level are read in loops.
struct Parser {
    let source: String
    let tokens: [Token]
    let limits: ExpressionLimits
    var index = 0
    var depth = 0
    var tree = SyntaxTree()
    /// Nodes in parentheses.
    private var closed: Set<SyntaxNode.ID> = []

    private init(source: String, tokens: [Token], limits: ExpressionLimits) {
        self.source = source
        self.tokens = tokens
        self.limits = limits
    }

    /// Reads a whole source.
    static func parse(
        _ source: String, limits: ExpressionLimits
    ) throws(ExpressionProblem) -> SyntaxTree {
        let size = source.utf8.count
        if size > limits.maximumSourceBytes {
            throw ExpressionProblem(
                span: SourceSpan(start: 0, end: 0),
                message:
                    "the expression has \(size) bytes, more than the \(limits.maximumSourceBytes) allowed; "
                    + "split it into several")
        }
        let tokens = try Lexer.tokens(of: source)
        var parser = Parser(source: source, tokens: tokens, limits: limits)
        if parser.current.kind == .end {
            throw ExpressionProblem(
                span: parser.current.span, message: "the expression is empty; write a value or a calculation")
        }
        parser.tree.root = try parser.expression()
        if parser.current.kind != .end { throw parser.trailing() }
        return parser.tree
    }

    var current: Token { tokens[index] }

    mutating func advance() {
        if index < tokens.count - 1 { index += 1 }
    }

    func isAt(_ symbol: Symbol) -> Bool { current.kind == .symbol(symbol) }

    mutating func take(_ symbol: Symbol) -> Bool {
        guard isAt(symbol) else { return false }
        advance()
        return true
    }

    /// Adds a node.
    mutating func make(
        _ kind: SyntaxNode.Kind, _ span: SourceSpan, name: SourceSpan? = nil, nameCount: Int = 0
    ) throws(ExpressionProblem) -> SyntaxNode.ID {
        if tree.nodes.count >= limits.maximumNodes {
            throw ExpressionProblem(
                span: span,
                message: "the expression has more than \(limits.maximumNodes) parts; split it into several")
        }
        tree.nodes.append(SyntaxNode(kind: kind, span: span, nameSpan: name ?? span, nameCount: nameCount))
        return tree.nodes.count - 1
    }

    func span(_ id: SyntaxNode.ID) -> SourceSpan { tree.nodes[id].span }

    /// Counts one level deeper; the caller leaves it again.
    mutating func enter(at span: SourceSpan) throws(ExpressionProblem) {
        depth += 1
        if depth > limits.maximumDepth {
            throw ExpressionProblem(
                span: span,
                message:
                    "nested more than \(limits.maximumDepth) levels deep; split the expression into several")
        }
    }

    /// `condition ? then : otherwise`, or anything that binds stronger.
    mutating func expression() throws(ExpressionProblem) -> SyntaxNode.ID {
        try enter(at: current.span)
        defer { depth -= 1 }
        let condition = try binary(1)
        guard take(.question) else { return condition }
        let then = try expression()
        try expect(.colon, "the conditional needs ':' and the value for false: condition ? value : value")
        let otherwise = try expression()
        return try make(
            .conditional(condition, then: then, otherwise: otherwise),
            span(condition).union(span(otherwise)))
    }

    /// Operators of at least a precedence.
    private mutating func binary(_ lowest: Int) throws(ExpressionProblem) -> SyntaxNode.ID {
        var left = try unary()
        while case .symbol(let symbol) = current.kind, let precedence = symbol.precedence,
            precedence >= lowest
        {
            let operatorSpan = current.span
            advance()
            let right = try binary(precedence + 1)
            let kind: SyntaxNode.Kind =
                switch symbol {
                case .and: .and(left, right)
                case .or: .or(left, right)
                default: .operation(symbol.function, [left, right])
                }
            left = try make(kind, span(left).union(span(right)), name: operatorSpan)
        }
        return left
    }

    /// `!` and `-`, as many as there are; each counts as a level.
    private mutating func unary() throws(ExpressionProblem) -> SyntaxNode.ID {
        var operators: [Token] = []
        defer { depth -= operators.count }
        while isAt(.not) || (isAt(.minus) && !isNegativeNumber) {
            let token = current
            operators.append(token)
            try enter(at: token.span)
            advance()
        }
        var operand = try member()
        for token in operators.reversed() {
            let function = token.kind == .symbol(.not) ? "!_" : "-_"
            operand = try make(
                .operation(function, [operand]), token.span.union(span(operand)), name: token.span)
        }
        return operand
    }

    /// Whether a minus here belongs to a number literal.
    private var isNegativeNumber: Bool {
        switch tokens[min(index + 1, tokens.count - 1)].kind {
        case .integer: true
        case .literal(.double): true
        default: false
        }
    }

    /// A primary and the selections, indices and calls after it.
    private mutating func member() throws(ExpressionProblem) -> SyntaxNode.ID {
        var operand = try primary()
        while true {
            if take(.dot) {
                operand = try selection(of: operand)
            } else if isAt(.openBracket) {
                let open = current.span
                advance()
                if isAt(.question) { throw later("optional indices ([?…])") }
                let index = try expression()
                let end = try close(.closeBracket, "the index lacks its ']'", open)
                operand = try make(
                    .operation("_[_]", [operand, index]), span(operand).union(end), name: open.union(end))
            } else if isAt(.openBrace), tree.nodes[operand].nameCount > 0 {
                throw later("making messages (Type{…})")
            } else {
                return operand
            }
        }
    }

    private mutating func selection(of operand: SyntaxNode.ID) throws(ExpressionProblem) -> SyntaxNode.ID {
        let token = current
        let name: String
        switch token.kind {
        case .identifier(let text), .reserved(let text): name = text
        case .quoted(let text):
            advance()
            return try make(
                .select(operand: operand, field: text), span(operand).union(token.span), name: token.span)
        case .symbol(.question): throw later("optional selections (.?)")
        default: throw unexpected("the name of a field or function has to follow the dot")
        }
        advance()
        guard isAt(.openParenthesis) else {
            let count = closed.contains(operand) ? 0 : tree.nodes[operand].nameCount
            return try make(
                .select(operand: operand, field: name), span(operand).union(token.span), name: token.span,
                nameCount: count > 0 ? count + 1 : 0)
        }
        let (arguments, end) = try self.arguments()
        let whole = span(operand).union(end)
        if let macro = try memberMacro(name, token.span, operand, arguments, whole) { return macro }
        return try make(
            .memberCall(target: operand, function: name, arguments: arguments), whole, name: token.span)
    }

    private mutating func primary() throws(ExpressionProblem) -> SyntaxNode.ID {
        let token = current
        switch token.kind {
        case .literal(let value):
            advance()
            return try make(.literal(value), token.span)
        case .integer(let number):
            advance()
            return try make(.literal(.int(try signed(number, isNegative: false, token.span))), token.span)
        case .symbol(.minus) where isNegativeNumber:
            advance()
            let whole = token.span.union(current.span)
            let value: Value =
                switch current.kind {
                case .integer(let number): .int(try signed(number, isNegative: true, whole))
                case .literal(.double(let number)): .double(-number)
                default: .null
                }
            advance()
            return try make(.literal(value), whole)
        case .symbol(.dot):
            advance()
            guard case .identifier(let name) = current.kind else {
                throw unexpected("a name has to follow the dot")
            }
            return try named(name, isRooted: true, from: token.span)
        case .identifier(let name): return try named(name, isRooted: false, from: token.span)
        case .symbol(.openParenthesis):
            advance()
            let inner = try expression()
            _ = try close(.closeParenthesis, "the '(' lacks its ')'", token.span)
            // Parentheses end a qualified name: (a.b).c is a field of a.b, never the name a.b.c.
            closed.insert(inner)
            return inner
        case .symbol(.openBracket): return try list(token.span)
        case .symbol(.openBrace): return try map(token.span)
        default: throw unexpected("a value is missing here")
        }
    }

    private func signed(
        _ number: UInt64, isNegative: Bool, _ span: SourceSpan
    ) throws(ExpressionProblem) -> Int64 {
        if isNegative, number == UInt64(Int64.max) + 1 { return .min }
        guard let whole = Int64(exactly: number) else {
            throw ExpressionProblem(
                span: span,
                message: "the number does not fit a signed integer of 64 bits; write it with u or with .0")
        }
        return isNegative ? -whole : whole
    }

    /// A name, or a call where a parenthesis follows.
    private mutating func named(
        _ name: String, isRooted: Bool, from start: SourceSpan
    ) throws(ExpressionProblem) -> SyntaxNode.ID {
        let nameSpan = current.span
        advance()
        guard isAt(.openParenthesis) else {
            return try make(
                .name(name, isRooted: isRooted), start.union(nameSpan), name: nameSpan, nameCount: 1)
        }
        let (arguments, end) = try self.arguments()
        if name == "has", !isRooted { return try test(arguments, start.union(end)) }
        return try make(
            .call(name, isRooted: isRooted, arguments: arguments), start.union(end), name: nameSpan)
    }
}
