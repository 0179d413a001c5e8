import HedgerowAPI

/// What a subscription holds between the server and its handler: a state machine without input or output.
///
/// The server never has more credit than there is room, so the buffer is bounded whatever it does. With
/// QoS 1 a message counts as done when its handler has returned; the same message delivered again (after a
/// reconnect, by another core) is acknowledged and not handed out twice, as far back as `remembered` messages.
struct SubscriptionBuffer: Sendable {
    /// The server sent more than it was allowed to.
    struct OverCredit: Error, CustomStringConvertible {
        let description = "the server delivered more messages than it had credit for"
    }

    /// Which message it is, wherever it comes from.
    struct Key: Hashable, Sendable {
        let thing: String
        let epoch: [UInt8]
        let sequence: UInt64
        let component: String
        let output: UInt32

        /// Nil for a message without an identity (QoS 0).
        init?(_ origin: Hedgerow_Type_V1_Origin) {
            guard origin.lastSequence > 0 else { return nil }
            thing = origin.thing
            epoch = Array(origin.epoch)
            sequence = origin.lastSequence
            component = origin.componentInstance
            output = origin.outputIndex
        }
    }

    struct Item: Sendable {
        let token: UInt64
        let key: Key?
        let message: ReceivedMessage
    }

    /// What to tell the server.
    struct Answer: Equatable, Sendable {
        var credit: UInt32 = 0
        var acknowledged: [UInt64] = []
        var isEmpty: Bool { credit == 0 && acknowledged.isEmpty }
    }

    private let capacity: Int
    private let remembered: Int
    private var pending = FIFO<Item>()
    private var nextToken: UInt64 = 1
    /// Delivery id in the live session of what is pending or in a handler's hands, by token.
    private var deliveries: [UInt64: UInt64] = [:]
    /// Tokens of what is pending or in a handler's hands.
    private var open: [Key: UInt64] = [:]
    private var done: Set<Key> = []
    private var doneOrder = FIFO<Key>()
    private var outstanding = 0
    private var acknowledgements: [UInt64] = []
    private var live = false

    init(capacity: Int, remembered: Int = 4_096) {
        self.capacity = max(capacity, 1)
        self.remembered = max(remembered, 1)
    }

    var pendingCount: Int { pending.count }

    mutating func beginSession() {
        live = true
        outstanding = 0
        acknowledgements = []
        deliveries = [:]
    }

    mutating func endSession() {
        live = false
        outstanding = 0
        acknowledgements = []
        deliveries = [:]
    }

    /// Takes a delivery.
    ///
    /// - Throws: ``OverCredit``.
    mutating func receive(_ delivery: Hedgerow_Telemetry_V1_Delivery) throws(OverCredit) {
        guard outstanding > 0 else { throw OverCredit() }
        outstanding -= 1
        let key = delivery.deliveryID == 0 ? nil : Key(delivery.record.origin)
        if let key {
            if done.contains(key) {
                acknowledgements.append(delivery.deliveryID)
                return
            }
            if let token = open[key] {
                deliveries[token] = delivery.deliveryID
                return
            }
        }
        guard let message = ReceivedMessage(delivery.record) else {
            // Nothing that a handler could be given; it must not come again.
            if delivery.deliveryID > 0 { acknowledgements.append(delivery.deliveryID) }
            return
        }
        let item = Item(token: nextToken, key: key, message: message)
        nextToken += 1
        if let key { open[key] = item.token }
        if delivery.deliveryID > 0 { deliveries[item.token] = delivery.deliveryID }
        pending.append(item)
    }

    /// The next message for the handler.
    mutating func take() -> Item? {
        pending.popFirst()
    }

    /// The handler is done with a message.
    mutating func finish(_ item: Item) {
        if let delivery = deliveries.removeValue(forKey: item.token) { acknowledgements.append(delivery) }
        guard let key = item.key else { return }
        open[key] = nil
        guard done.insert(key).inserted else { return }
        doneOrder.append(key)
        if doneOrder.count > remembered, let oldest = doneOrder.popFirst() { done.remove(oldest) }
    }

    /// What the server is to be told now. Credit is given in halves of the capacity, not one by one.
    mutating func answer() -> Answer {
        var answer = Answer()
        guard live else { return answer }
        let free = capacity - pending.count - outstanding
        if free >= max(1, capacity / 2) {
            answer.credit = UInt32(free)
            outstanding += free
        }
        swap(&answer.acknowledged, &acknowledgements)
        return answer
    }
}
