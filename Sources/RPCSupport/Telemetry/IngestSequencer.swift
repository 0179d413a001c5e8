import GRPCCore
import HedgerowAPI
public import Messaging

/// The rule of sequences on one hop, without any input or output: what is new, what is a repeat, what is
/// missing (semantics, section 2).
public struct IngestSequencer: Sendable {
    /// What to do with an item.
    public enum Step: Sendable {
        /// Everything in it was there before: acknowledge, store nothing.
        case repeated
        /// It is new from this sequence on; what comes before in it was there already.
        case new(from: UInt64)
        /// It has no sequence (QoS 0): store it at most once.
        case unsequenced
        /// Sequences before it were neither sent nor declared lost.
        case gap(expected: UInt64)
    }

    /// Everything up to here was accepted, refused for ever, or declared lost.
    public private(set) var cursor: UInt64

    /// Begins at a cursor.
    public init(cursor: UInt64) { self.cursor = cursor }

    /// Says what an item is. Does not move the cursor.
    public func step(for positions: SequenceRange?) -> Step {
        guard let positions else { return .unsequenced }
        if positions.last <= cursor { return .repeated }
        let expected = cursor + 1
        if positions.first > expected { return .gap(expected: expected) }
        return .new(from: expected)
    }

    /// Moves the cursor behind an item that was dealt with.
    public mutating func advance(past positions: SequenceRange?) {
        if let positions { cursor = max(cursor, positions.last) }
    }

    /// The error of a gap.
    public static func gapError(expected: UInt64, got: UInt64) -> HedgerowError {
        HedgerowError(
            .failedPrecondition, .sequenceGap,
            "sequence \(got) came where \(expected) was expected; send what lies between or declare it lost",
            details: ["expected": "\(expected)", "got": "\(got)"])
    }
}
