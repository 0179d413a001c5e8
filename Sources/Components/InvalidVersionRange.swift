/// A text that is no range of versions, and what one looks like.
public struct InvalidVersionRange: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused text, cut at 60 characters.
    public let text: String
    /// What is wrong and what is allowed.
    public let description: String

    init(text: String, problem: String) {
        self.text = String(text.prefix(60))
        self.description =
            "\"\(self.text)\" is not a version or range: \(problem); write an exact version such as 1.2.0, or "
            + "a range such as ^1.2, ~1.2.3, 1.x or \">=1.2 <3\""
    }
}
