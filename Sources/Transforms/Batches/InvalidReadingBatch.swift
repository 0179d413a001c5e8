/// What is inconsistent in a batch, in one sentence.
public struct InvalidReadingBatch: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    init(_ description: String) { self.description = description }
}
