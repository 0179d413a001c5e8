/// Where reading a stream begins.
public enum StreamStart: Hashable, Sendable {
    /// At the oldest that is there.
    case oldest
    /// At a position, or at the oldest behind it that is there.
    case position(StreamPosition)
    /// At the first entry that the core received at or after an instant, microseconds since 1970.
    case time(Int64)
}
