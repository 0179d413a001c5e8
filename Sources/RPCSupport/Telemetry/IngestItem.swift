public import HedgerowAPI
public import Messaging

/// One thing that a publisher said, in the order of its sequences.
public enum IngestItem: Sendable {
    /// Messages.
    case messages(IncomingPublication)
    /// Sequences that will never come.
    case lost(IncomingLoss)

    /// Sequences on this hop; nil for QoS 0.
    public var positions: SequenceRange? {
        switch self {
        case .messages(let publication): publication.positions
        case .lost(let loss): loss.positions
        }
    }

    /// Bytes that it holds in memory, about.
    public var weight: Int {
        switch self {
        case .messages(let publication): 256 + ((try? publication.content.get().encoded.count) ?? 0)
        case .lost(let loss): loss.origins.reduce(256) { $0 + 64 + 4 * $1.rowOffsets.count }
        }
    }
}

/// Sequences that will never come, declared by their publisher.
public struct IncomingLoss: Sendable {
    /// Sequences on this hop.
    public var positions: SequenceRange
    /// Why.
    public let reason: LossReason
    /// Whose messages they were; empty where they were the publisher's own.
    public let origins: [WireOrigin]

    /// Makes a loss.
    public init(positions: SequenceRange, reason: LossReason, origins: [WireOrigin]) {
        self.positions = positions
        self.reason = reason
        self.origins = origins
    }
}
