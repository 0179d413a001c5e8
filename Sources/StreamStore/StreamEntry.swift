import Foundation
public import Messaging

/// What a stream holds at some of its sequences.
public struct StreamEntry: Sendable {
    /// Whose messages, and which of them.
    public struct OriginRange: Hashable, Sendable {
        /// Whose.
        public var key: OriginKey
        /// Which; those included of which nothing is there.
        public var range: SequenceRange
        /// Distance of each message's sequence from the first of ``range``, ascending. Empty where the messages
        /// of a batch are the last ones of the range, or where an account is of all of it.
        public var rowOffsets: [UInt32]

        /// Makes a range of origins.
        public init(key: OriginKey, range: SequenceRange, rowOffsets: [UInt32] = []) {
            self.key = key
            self.range = range
            self.rowOffsets = rowOffsets
        }
    }

    /// Messages, or the account of messages that are gone.
    public enum Content: Sendable {
        /// A batch, with the origins that it covers.
        case batch(StreamBatch)
        /// Messages that will never be sent, with the number of their reason on the wire.
        case lost(reason: Int, origins: [OriginRange])
    }

    /// Sequences in the stream's epoch.
    public let positions: SequenceRange
    /// What is there.
    public let content: Content

    /// Makes an entry.
    public init(positions: SequenceRange, content: Content) {
        self.positions = positions
        self.content = content
    }

    /// Bytes of payload.
    public var bytes: Int {
        switch content {
        case .batch(let batch): batch.payload.count
        case .lost(_, let origins): origins.reduce(0) { $0 + 64 + 5 * $1.rowOffsets.count }
        }
    }
}
