/// What a publisher knows about its messages: a state machine without input, output, clock or lock.
///
/// Every sequence from 1 up to the newest is in exactly one place, in this order:
///
///     1 … acknowledged │ acknowledged+1 … firstHeld-1 │ firstHeld … newest
///     done with        │ dropped, to be accounted for │ held
///
/// Only the oldest held message is ever dropped, so what was dropped is always one range. A session sends
/// from `sendNext` on: first the dropped range (as lost), then what is held. What a session has sent already
/// and loses afterwards to a full buffer is not declared lost while that session lives: the server most
/// likely has it and will acknowledge it.
struct PublisherBuffer: Sendable {
    /// A server that acknowledges what it cannot have. The line is cut and taken up again.
    struct ProtocolViolation: Error, Hashable, CustomStringConvertible {
        let description: String
    }

    /// What happened to a message that was to be kept.
    enum Appended: Equatable, Sendable {
        /// Kept under this sequence. With `dropOldest`, so many of the oldest gave way to it.
        case kept(sequence: UInt64, dropped: ClosedRange<UInt64>?)
        /// There is no room.
        case full
    }

    /// What an acknowledgement settled.
    struct Settlement: Equatable, Sendable {
        /// A server has these for good.
        var accepted: [ClosedRange<UInt64>] = []
        /// A server refused these for ever.
        var rejected: [ClosedRange<UInt64>] = []
        /// These are declared lost, and a server knows.
        var lost: [ClosedRange<UInt64>] = []

        var isEmpty: Bool { accepted.isEmpty && rejected.isEmpty && lost.isEmpty }
    }

    /// What to send next.
    struct Outgoing: Sendable {
        /// Messages without a sequence.
        var volatile: [OutgoingMessage] = []
        /// To be declared lost before the messages.
        var lost: ClosedRange<UInt64>?
        /// Sequence of the first message.
        var firstSequence: UInt64 = 0
        /// Consecutive messages.
        var messages: [OutgoingMessage] = []
        /// How many of them were never sent before.
        var firstTime: Int = 0

        var isEmpty: Bool { volatile.isEmpty && lost == nil && messages.isEmpty }
    }

    private let limits: PublisherLimits
    private var held = FIFO<OutgoingMessage>()
    private var volatile = FIFO<OutgoingMessage>()
    /// Everything up to here is settled.
    private(set) var acknowledged: UInt64 = 0
    private var firstHeld: UInt64 = 1
    /// Bytes of what is held.
    private(set) var heldBytes = 0
    /// The next sequence that the live session sends; nil without a session that may send.
    private var sendNext: UInt64?
    /// The newest sequence that any session sent or declared lost.
    private(set) var newestSent: UInt64 = 0
    /// Declared lost in some session and not settled yet; ascending, disjoint.
    private var declaredLost: [ClosedRange<UInt64>] = []
    /// Refused by a server and not settled yet; ascending, disjoint.
    private var refused: [ClosedRange<UInt64>] = []

    init(limits: PublisherLimits) {
        self.limits = limits
    }

    /// The newest sequence given out, 0 before the first.
    var newest: UInt64 { firstHeld - 1 + UInt64(held.count) }
    /// Messages held.
    var heldCount: Int { held.count }
    /// Sequences that are neither settled nor given up: held, or dropped and still to be accounted for.
    var unsettledCount: UInt64 { newest - acknowledged }
    /// QoS 0 messages that wait for the stream.
    var volatileCount: Int { volatile.count }
    /// Where a new session can begin: the oldest sequence that is held or can be accounted for.
    var oldestSequence: UInt64 { acknowledged + 1 }
    /// Whether a session may send.
    var isResumed: Bool { sendNext != nil }
    /// Whether a message that counts for so many bytes finds room.
    func hasRoom(for cost: Int) -> Bool {
        held.count < limits.bufferedMessages && heldBytes + cost <= limits.bufferedBytes
    }
    /// Whether the session has something to send.
    var hasWork: Bool {
        guard let sendNext else { return false }
        return sendNext <= newest || !volatile.isEmpty
    }

    /// Keeps a QoS 1 message and gives it its sequence.
    mutating func append(_ message: OutgoingMessage, policy: OverflowPolicy) -> Appended {
        var dropped: ClosedRange<UInt64>?
        while !hasRoom(for: message.cost) {
            guard policy == .dropOldest, let oldest = held.popFirst() else { return .full }
            heldBytes -= oldest.cost
            dropped = (dropped?.lowerBound ?? firstHeld)...firstHeld
            firstHeld += 1
        }
        var message = message
        if let previous = held.last { message.shareShape(of: previous) }
        held.append(message)
        heldBytes += message.cost
        return .kept(sequence: newest, dropped: dropped)
    }

    /// Queues a QoS 0 message, or drops it where no session may send.
    ///
    /// - Returns: How many messages were dropped, this one or the oldest before it.
    mutating func appendVolatile(_ message: OutgoingMessage) -> Int {
        guard isResumed else { return 1 }
        volatile.append(message)
        guard volatile.count > limits.volatileMessages else { return 0 }
        return volatile.popFirst() == nil ? 0 : 1
    }

    /// A server answered a new session. What it has needs not be sent again.
    ///
    /// - Throws: ``ProtocolViolation`` where it claims to have what was never sent.
    mutating func resume(after cursor: UInt64) throws(ProtocolViolation) -> Settlement {
        if cursor > newestSent {
            throw ProtocolViolation(
                description: "the server resumes after \(cursor), but only \(newestSent) were ever sent")
        }
        let settlement = settle(through: cursor)
        sendNext = acknowledged + 1
        return settlement
    }

    /// The session ended. QoS 0 messages that still wait are dropped.
    ///
    /// - Returns: How many were dropped.
    mutating func endSession() -> Int {
        let dropped = volatile.count
        volatile.removeAll()
        sendNext = nil
        return dropped
    }

    /// Takes what the session sends next, bounded by the limits of one request.
    mutating func next() -> Outgoing {
        var outgoing = Outgoing()
        guard var sequence = sendNext else { return outgoing }
        var bytes = 0
        while outgoing.volatile.count < limits.requestMessages, bytes < limits.requestBytes,
            let message = volatile.popFirst()
        {
            outgoing.volatile.append(message)
            bytes += message.cost
        }
        if sequence < firstHeld {
            let lost = sequence...(firstHeld - 1)
            outgoing.lost = lost
            declaredLost = RangeList.inserting(lost, into: declaredLost)
            newestSent = max(newestSent, lost.upperBound)
            sequence = firstHeld
        }
        outgoing.firstSequence = sequence
        while outgoing.messages.count < limits.requestMessages,
            let message = held.element(at: Int(sequence - firstHeld)),
            outgoing.messages.isEmpty && outgoing.volatile.isEmpty
                || bytes + message.cost <= limits.requestBytes
        {
            outgoing.messages.append(message)
            bytes += message.cost
            if sequence > newestSent {
                newestSent = sequence
                outgoing.firstTime += 1
            }
            sequence += 1
        }
        sendNext = sequence
        return outgoing
    }

    /// Notes that a server refused sequences for ever; they are settled by the acknowledgement that covers
    /// them.
    ///
    /// - Returns: How many of them were not settled before.
    mutating func refuse(_ range: ClosedRange<UInt64>) -> UInt64 {
        let lower = max(range.lowerBound, acknowledged + 1)
        let upper = min(range.upperBound, newestSent)
        guard lower <= upper else { return 0 }
        refused = RangeList.inserting(lower...upper, into: refused)
        return upper - lower + 1
    }

    /// A server acknowledged everything up to a sequence.
    ///
    /// - Throws: ``ProtocolViolation`` where that was never sent in this session.
    mutating func acknowledge(through sequence: UInt64) throws(ProtocolViolation) -> Settlement {
        guard sequence > acknowledged else { return Settlement() }
        guard let sendNext, sequence < sendNext else {
            throw ProtocolViolation(
                description: "the server acknowledges \(sequence), but only \((sendNext ?? 1) - 1) were sent")
        }
        return settle(through: sequence)
    }

    private mutating func settle(through sequence: UInt64) -> Settlement {
        var settlement = Settlement()
        guard sequence > acknowledged else { return settlement }
        let window = (acknowledged + 1)...sequence
        settlement.rejected = RangeList.intersecting(refused, with: window)
        // A refused message reached the server, so it is not lost whatever was declared before.
        settlement.lost = RangeList.intersecting(declaredLost, with: window)
            .flatMap { RangeList.subtracting(settlement.rejected, from: $0) }
        settlement.accepted = RangeList.subtracting(
            RangeList.union(settlement.rejected, settlement.lost), from: window)
        refused = RangeList.dropping(through: sequence, from: refused)
        declaredLost = RangeList.dropping(through: sequence, from: declaredLost)
        while firstHeld <= sequence {
            if let message = held.popFirst() { heldBytes -= message.cost }
            firstHeld += 1
        }
        acknowledged = sequence
        if let next = sendNext { sendNext = max(next, sequence + 1) }
        return settlement
    }
}
