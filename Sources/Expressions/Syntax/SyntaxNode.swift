/// A part of an expression as written. Children are indices into ``SyntaxTree/nodes``, so that trees of any
/// shape are freed and copied without recursion.
struct SyntaxNode {
    /// An index into the tree.
    typealias ID = Int

    /// What a node is.
    enum Kind {
        case literal(Value)
        /// A name; rooted with a dot before it: then no container applies.
        case name(String, isRooted: Bool)
        /// `operand.field`.
        case select(operand: ID, field: String)
        /// `has(operand.field)`.
        case test(operand: ID, field: String)
        /// `function(…)`.
        case call(String, isRooted: Bool, arguments: [ID])
        /// `target.function(…)`.
        case memberCall(target: ID, function: String, arguments: [ID])
        /// An operator as a function (`_+_`, `-_`, `!_`, `@in`, `_[_]`); the left operand first.
        case operation(String, [ID])
        case and(ID, ID)
        case or(ID, ID)
        case conditional(ID, then: ID, otherwise: ID)
        case list([ID])
        case map([(key: ID, value: ID)])
        /// A macro over the elements of a list or the keys of a map.
        case comprehension(Comprehension)
        /// `cel.bind(name, value, body)`.
        case bind(name: String, value: ID, body: ID)
    }

    let kind: Kind
    let span: SourceSpan
    /// The name's own span within a selection or call (where a misspelt one is marked).
    let nameSpan: SourceSpan

    /// The number of names where the node is nothing but names joined by dots (`a.b.c`: 3), else 0.
    let nameCount: Int
}
