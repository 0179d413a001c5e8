public import Messaging

/// What was read of a stream.
public struct StreamSection: Sendable {
    /// An entry, and the epoch whose sequences it is at.
    public struct Piece: Sendable {
        /// The epoch.
        public let epoch: Epoch
        /// The entry.
        public let entry: StreamEntry
    }

    /// Entries in the order of the stream: epoch by epoch, in each by sequence. The first may begin before the
    /// position that was asked for, which then lies within it.
    public internal(set) var pieces: [Piece] = []
    /// Whether reading began behind the position that was asked for, because what was there is gone.
    public internal(set) var isClamped = false
    /// Where to go on; nil where the stream has never held anything.
    public internal(set) var next: StreamPosition?
    /// Whether nothing lies behind what was read.
    public internal(set) var isAtEnd = true
}
