/// What a node of an expression turned out to mean.
enum Resolution {
    /// What its kind says: a literal, an operator of logic, a conditional, a list, a map, a macro.
    case structural
    /// A variable, or a record's field, by slot.
    case slot(Int)
    /// Whether a record's field is there, by slot.
    case presence(Int)
    /// A record as such, of which only fields may be used.
    case record
    /// A variable of a macro, by its number.
    case local(Int)
    /// A standard function with its arguments, the receiver first. A selection's field is `field`.
    case builtin(Builtin, arguments: [SyntaxNode.ID], field: String?)
    /// A host function, by the number of the call.
    case host(Int, arguments: [SyntaxNode.ID])
    /// Something that fails whenever it is evaluated (unknown names, where types are not checked).
    case failure(EvaluationError)
}
