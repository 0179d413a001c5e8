/// A text that is no version, and what one looks like.
public struct InvalidVersion: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused text, cut at 60 characters.
    public let text: String
    /// What is wrong and what is allowed.
    public let description: String

    init(text: String, problem: String) {
        self.text = String(text.prefix(60))
        self.description =
            "\"\(self.text)\" is not a version: \(problem); write MAJOR.MINOR.PATCH, such as 1.0.0 or "
            + "2.1.0-beta.1"
    }
}
