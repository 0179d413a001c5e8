/// A text that is no selector of things, and what one looks like.
public struct InvalidSelector: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused text, cut at 160 characters.
    public let text: String
    /// What is wrong and what to do.
    public let description: String

    init(text: String, problem: String) {
        self.text = String(text.prefix(160))
        self.description = "\"\(self.text)\" is not a selector: \(problem)"
    }
}
