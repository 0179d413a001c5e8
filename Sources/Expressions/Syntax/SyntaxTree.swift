/// An expression as written: its nodes, children before their parents.
struct SyntaxTree {
    var nodes: [SyntaxNode] = []
    var root: SyntaxNode.ID = 0

    /// The operand that is written first, through which long chains (`a + b + c`, `a.b.c`) hang together. Every
    /// pass follows it in a loop; it recurses only into the other children, whose depth the parser bounds.
    func leftChild(of id: SyntaxNode.ID) -> SyntaxNode.ID? {
        switch nodes[id].kind {
        case .select(let operand, _), .test(let operand, _): operand
        case .memberCall(let target, _, _): target
        case .operation(_, let operands): operands.count == 2 ? operands[0] : nil
        case .and(let left, _), .or(let left, _): left
        case .comprehension(let comprehension): comprehension.range
        default: nil
        }
    }

    /// `a.b.c` as text; nil where the node is something else than names joined by dots.
    func qualifiedName(_ id: SyntaxNode.ID) -> (name: String, isRooted: Bool)? {
        guard nodes[id].nameCount > 0 else { return nil }
        var parts: [String] = []
        var current = id
        while true {
            switch nodes[current].kind {
            case .select(let operand, let field):
                parts.append(field)
                current = operand
            case .name(let name, let isRooted):
                parts.append(name)
                return (parts.reversed().joined(separator: "."), isRooted)
            default: return nil
            }
        }
    }
}
