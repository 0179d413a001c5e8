/// A text that is no size, and what one looks like.
public struct InvalidByteSize: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused text, cut at 60 characters.
    public let text: String

    init(text: String) {
        self.text = String(text.prefix(60))
    }

    /// What is wrong and what is allowed.
    public var description: String {
        "\"\(text)\" is not a size; write a whole number and a unit, such as 256MiB, 64KiB or 65536"
    }
}
