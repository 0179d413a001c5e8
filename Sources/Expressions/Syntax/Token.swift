/// A word of an expression and where it stands.
struct Token {
    /// What a token is.
    enum Kind: Equatable {
        /// A number, text, octets, true, false, null. Whole numbers without sign: see `integer`.
        case literal(Value)
        /// A whole number without `u`, as its digits; the sign comes before it as a token of its own, and only
        /// with it is known whether it fits.
        case integer(UInt64)
        case identifier(String)
        /// A field's name in backquotes.
        case quoted(String)
        /// A word that CEL keeps for other languages: only allowed as a field's or method's name.
        case reserved(String)
        case symbol(Symbol)
        case end
    }

    let kind: Kind
    let span: SourceSpan
}
