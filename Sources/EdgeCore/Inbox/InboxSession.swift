import GRPCCore
import HedgerowAPI
import RPCSupport
import StreamStore

/// One stream on which a program receives its inbox: what is on its way to it, and what came of that.
///
/// Results are stored in the order of the messages: one that is there before those ahead of it waits for them.
actor InboxSession {
    /// A message on its way.
    struct Delivery: Sendable {
        /// Names it on the wire: the id of its entry and its row, or a number of its own with QoS 0.
        let id: UInt64
        /// The entry in the inbox; nil with QoS 0.
        let entry: Int64?
        /// The message.
        let message: InboxEntry.Message
        /// When the program has to be done, on the clock of whoever sent it; nil where it has time.
        let deadline: Duration?
        /// What came of it.
        var result: ProgramResult?
        /// Which of the program's requests said so; 0 where it was not the program that did.
        var request = 0
    }

    /// Number of the first delivery at QoS 0: ids of entries stay below.
    static let firstTransient: UInt64 = 1 << 62

    /// Name of the instance.
    nonisolated let instance: String
    /// Whether the next message goes out when the result of the one before is there.
    nonisolated let isOneAtATime: Bool
    /// Set when something may be sent.
    nonisolated let mayGoOn = Signal()
    /// Set when results can be stored.
    nonisolated let hasResults = Signal()
    /// Set when a message with a deadline was sent.
    nonisolated let wasSent = Signal()

    private var credit = 0
    private var current: StoredInbox.Stored?
    private var nextRow = 0
    private var lastEntry: Int64 = 0
    private var transient: [InboxEntry.Message] = []
    private var nextTransient = InboxSession.firstTransient
    private var inFlight: [Delivery] = []
    private var requests = 0
    /// Bytes of the results that are not stored yet.
    private var unstoredBytes = 0
    /// Whether the program has closed its side.
    private(set) var isClosed = false
    /// Whether everything is stored that it said before.
    private(set) var isOver = false
    private var stored: [UInt64] = []
    private var dropped: UInt64 = 0
    private(set) var isSuperseded = false
    /// Why the program has to be ended: it was not done in time.
    private(set) var overdue: String?

    init(instance: String, isOneAtATime: Bool) {
        self.instance = instance
        self.isOneAtATime = isOneAtATime
    }

    /// The id of a stored message on the wire.
    static func id(entry: Int64, row: Int) -> UInt64 { UInt64(entry) << 10 | UInt64(row) }

    func supersede() {
        isSuperseded = true
        mayGoOn.signal()
        hasResults.signal()
        wasSent.signal()
    }

    // MARK: Sending

    func add(credit more: Int) throws {
        credit += more
        guard credit <= InboxLimits.inFlight else {
            throw HedgerowError(
                .invalidArgument, .invalidField,
                "add_credit: at most \(InboxLimits.inFlight) messages may be outstanding")
        }
        mayGoOn.signal()
    }

    /// How many messages may be sent now.
    var room: Int {
        guard !isSuperseded, !isClosed, overdue == nil else { return 0 }
        if isOneAtATime, inFlight.contains(where: { $0.result == nil }) { return 0 }
        let left = min(credit, InboxLimits.inFlight - inFlight.count)
        return isOneAtATime ? min(left, 1) : left
    }

    /// Where the inbox is to be read on; nil where a read entry has more messages.
    var readsAfter: Int64? { current == nil ? lastEntry : nil }

    /// Takes an entry that was read.
    func take(_ stored: StoredInbox.Stored) {
        guard current == nil, stored.id > lastEntry else { return }
        lastEntry = stored.id
        guard stored.done < stored.entry.batch.count else { return }
        current = stored
        nextRow = stored.done
    }

    /// Steps over an entry that cannot be read.
    func skip(_ entry: Int64) { lastEntry = max(lastEntry, entry) }

    /// Takes messages at QoS 0.
    func take(_ waiting: Inboxes.Transient) {
        transient += waiting.messages
        dropped += waiting.dropped
    }

    /// The next message to send, entered as on its way; nil where there is none, or no room.
    ///
    /// - Parameter deadline: when it has to be done.
    func begin(deadline: Duration?) -> Delivery? {
        guard room > 0 else { return nil }
        let delivery: Delivery
        if let stored = current {
            delivery = Delivery(
                id: Self.id(entry: stored.id, row: nextRow), entry: stored.id,
                message: .init(entry: stored.entry, row: nextRow), deadline: deadline)
            nextRow += 1
            if nextRow == stored.entry.batch.count { current = nil }
        } else if !transient.isEmpty {
            delivery = Delivery(
                id: nextTransient, entry: nil, message: transient.removeFirst(), deadline: deadline)
            nextTransient += 1
        } else {
            return nil
        }
        credit -= 1
        inFlight.append(delivery)
        if deadline != nil { wasSent.signal() }
        return delivery
    }

    /// What the program is to be told besides messages.
    func takeNews() -> (stored: [UInt64], dropped: UInt64) {
        defer { (stored, dropped) = ([], 0) }
        return (stored, dropped)
    }

    // MARK: Results

    /// All that the program said is stored.
    func end() {
        isOver = true
        mayGoOn.signal()
    }

    /// The program has closed its side: nothing more is sent to it.
    func close() {
        isClosed = true
        hasResults.signal()
    }

    /// Takes the results of one request; one of a message that is not on its way, or has one, is ignored.
    ///
    /// - Parameter bytes: how large they are.
    /// - Throws: ``HedgerowError`` where too much waits for results of messages ahead.
    func take(_ results: [(id: UInt64, result: ProgramResult)], bytes: Int) throws {
        requests += 1
        unstoredBytes += bytes
        guard unstoredBytes <= InboxLimits.unstoredBytes || isSettled == false else {
            throw HedgerowError(
                .resourceExhausted, .queueFull,
                "more than \(InboxLimits.unstoredBytes >> 20) MiB of results wait for that of a message ahead of them; "
                    + "answer messages in their order")
        }
        for (id, result) in results { set(result, of: id, request: requests) }
        hasResults.signal()
        if isOneAtATime { mayGoOn.signal() }
    }

    /// Fails a message that is not given to the program again.
    func fail(_ id: UInt64, cause: String) {
        set(ProgramResult(failure: cause), of: id, request: 0)
        // It was not sent.
        credit += 1
        hasResults.signal()
    }

    private func set(_ result: ProgramResult, of id: UInt64, request: Int) {
        guard let index = inFlight.firstIndex(where: { $0.id == id }), inFlight[index].result == nil else {
            return
        }
        inFlight[index].result = result
        inFlight[index].request = request
    }

    /// The oldest messages whose results are there, up to the first one without: about so many, and those of one request
    /// together.
    func finished(limit: Int) -> [Delivery] {
        let ready = inFlight.prefix { $0.result != nil }
        guard ready.count > limit else { return Array(ready) }
        let last = ready[limit - 1].request
        let end = last == 0 ? limit : ready[limit...].firstIndex { $0.request != last } ?? ready.endIndex
        return Array(ready[..<end])
    }

    /// Messages are done, and that is on disk.
    func finish(_ ids: [UInt64]) {
        stored += ids
        let done = Set(ids)
        inFlight.removeAll { done.contains($0.id) }
        if inFlight.allSatisfy({ $0.result == nil }) { unstoredBytes = 0 }
        mayGoOn.signal()
        if !inFlight.isEmpty { hasResults.signal() }
    }

    /// The message whose deadline comes first, of those without a result.
    var mostUrgent: Delivery? { inFlight.first { $0.result == nil && $0.deadline != nil } }

    /// A message's time is over; false where its result came in the meantime.
    func expire(_ id: UInt64, cause: String) -> Bool {
        guard let index = inFlight.firstIndex(where: { $0.id == id }), inFlight[index].result == nil else {
            return false
        }
        inFlight[index].result = ProgramResult(failure: cause)
        overdue = cause
        hasResults.signal()
        return true
    }

    /// The oldest stored message that the program had and did not answer; nil where there is none.
    var unanswered: UInt64? { inFlight.first { $0.result == nil && $0.entry != nil }?.id }

    /// Whether every result that is there is stored.
    var isSettled: Bool { inFlight.first?.result == nil }
}
