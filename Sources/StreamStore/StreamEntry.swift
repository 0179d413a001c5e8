import Foundation
public import Messaging

/// What a stream holds at some of its sequences.
public struct StreamEntry: Sendable {
    /// Whose messages, and which of them.
    public struct OriginRange: Hashable, Sendable {
        /// Whose.
        public var key: OriginKey
        /// Which; nil with QoS 0, which streams do not hold.
        public var range: SequenceRange

        /// Makes a range of origins.
        public init(key: OriginKey, range: SequenceRange) {
            self.key = key
            self.range = range
        }
    }

    /// Messages, or the account of messages that are gone.
    public enum Content: Sendable {
        /// A batch as it came, with the origins that it covers.
        case batch(payload: [UInt8], origin: OriginRange, receiveTime: Int64, isReceiveTimeDoubtful: Bool)
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
        case .batch(let payload, _, _, _): payload.count
        case .lost(_, let origins): 64 * origins.count
        }
    }
}
