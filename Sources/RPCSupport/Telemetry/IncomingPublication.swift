public import HedgerowAPI
public import Messaging
import SwiftProtobuf
public import Tracing

/// Messages that arrived on a hop, checked and in the packed form.
public struct IncomingPublication: Sendable {
    /// Why messages can never be accepted.
    public struct Refusal: Error, Hashable, Sendable {
        /// For programs.
        public let reason: ErrorReason
        /// For people.
        public let detail: String

        /// Makes a refusal.
        public init(_ reason: ErrorReason, _ detail: String) {
            self.reason = reason
            self.detail = detail
        }
    }

    /// A batch that passed every check.
    public struct Checked: Sendable {
        /// The batch.
        public var batch: Batch
        /// Its topic.
        public let topic: Topic
        /// The batch as bytes, as it is stored.
        public var encoded: [UInt8]
        /// Earliest and latest sample, microseconds since 1970.
        public let span: ClosedRange<Int64>
    }

    /// Sequences on this hop; nil with QoS 0.
    public let positions: SequenceRange?
    /// Number of messages; at least 1.
    public let count: Int
    /// The messages, or why they are refused.
    public let content: Result<Checked, Refusal>
    /// Who published them first, where the publication says so.
    public let origin: WireOrigin?
    /// What made them, where the publication says so.
    public let source: WireSource?
    /// When a core received them, microseconds since 1970, where the publication says so.
    public let receiveTime: Int64?
    /// Whether the clock behind ``receiveTime`` was doubtful.
    public let receiveTimeDoubtful: Bool
    /// When it arrived here, for its trace.
    public let arrival: TraceTime

    /// Checks a publication.
    ///
    /// - Parameters:
    ///   - publication: As it came.
    ///   - encoded: Its batch as it came, where that is known.
    ///   - now: Microseconds since 1970: the sample time of a plain message that has none.
    ///   - limits: How large it may be.
    ///   - mayHoldDeadLetters: Whether a publication whose origin says so may have the topic of dead letters.
    public init(
        _ publication: Publication, encodedBatch encoded: [UInt8]? = nil, now: Int64,
        limits: MessageLimits = .standard,
        mayHoldDeadLetters: Bool = false
    ) {
        arrival = .now
        var batch: Batch
        var raw: [UInt8]?
        switch publication.content {
        case .batch(let packed)?:
            batch = packed
            raw = encoded
        case .message(let plain)?:
            batch = Batch(plain)
            if !plain.hasTime { batch.baseTime = Microseconds.timestamp(now) }
        case nil: batch = Batch()
        }
        let messages = max(1, batch.count)
        count = messages
        positions =
            publication.sequence == 0
            ? nil : SequenceRange(publication.sequence, publication.sequence &+ UInt64(messages - 1))
        origin = publication.hasOrigin ? publication.origin : nil
        source = publication.hasSource ? publication.source : nil
        receiveTime = publication.hasReceiveTime ? Microseconds.of(publication.receiveTime) : nil
        receiveTimeDoubtful = publication.receiveTimeDoubtful
        do {
            content = .success(
                try BatchCheck(limits: limits).check(
                    batch, encodedAs: raw,
                    deadLettersOf: mayHoldDeadLetters ? origin?.deadLetterInstance : nil))
        } catch {
            content = .failure(error)
        }
    }

    /// A publication of a publisher's own messages.
    init(positions: SequenceRange, count: Int, content: Result<Checked, Refusal>, arrival: TraceTime) {
        self.positions = positions
        self.count = count
        self.content = content
        self.arrival = arrival
        origin = nil
        source = nil
        receiveTime = nil
        receiveTimeDoubtful = false
    }
}
