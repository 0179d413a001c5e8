/// An address in the configuration that cannot be used.
public struct InvalidAddress: Error, Hashable, Sendable, CustomStringConvertible {
    /// The address as written.
    public let text: String
    /// What is wrong and what is allowed.
    public let description: String

    init(_ text: String, _ problem: String) {
        self.text = text
        self.description = "address \"\(text)\" \(problem)"
    }
}
