/// A stretch of an expression's source, in UTF-8 offsets: from `start` up to, without, `end`.
public struct SourceSpan: Hashable, Sendable {
    /// The offset of the first byte.
    public let start: Int
    /// The offset after the last byte; equal to `start` for a place without extent (the end of the source).
    public let end: Int

    /// Makes a span. An end before the start counts as the start.
    public init(start: Int, end: Int) {
        self.start = start
        self.end = max(start, end)
    }

    /// The smallest span that covers both.
    func union(_ other: SourceSpan) -> SourceSpan {
        SourceSpan(start: min(start, other.start), end: max(end, other.end))
    }
}
