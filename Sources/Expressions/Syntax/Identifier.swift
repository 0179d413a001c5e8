/// Names as expressions write them: letters of ASCII, digits and `_`, and no digit first (CEL's `IDENT`).
public enum Identifier {
    /// Whether a text is such a name. Words that mean something in expressions are too.
    public static func isValid(_ text: String) -> Bool {
        text.utf8.first?.isIdentifierStart == true && text.utf8.allSatisfy(\.isIdentifierPart)
    }
}
