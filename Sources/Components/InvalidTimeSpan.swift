/// A text that is no span of time, and what one looks like.
public struct InvalidTimeSpan: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused text, cut at 60 characters.
    public let text: String

    init(text: String) {
        self.text = String(text.prefix(60))
    }

    /// What is wrong and what is allowed.
    public var description: String {
        "\"\(text)\" is not a span of time; write whole numbers with units, such as 90s, 15m, 12h or 7d"
    }
}
