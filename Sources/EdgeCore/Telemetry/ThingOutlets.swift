import HedgerowAPI
import RPCSupport
import StreamStore
import Synchronization

/// The subscriptions of things that are connected now.
final class ThingOutlets: Sendable {
    /// Most subscriptions of one thing.
    static let maximumPerThing = 10

    private struct State {
        var outlets: [String: [ThingOutlet]] = [:]
        /// Things whose subscription ended with messages of the cloud's perhaps still on their way.
        var interrupted: Set<String> = []
    }

    private let state = Mutex(State())
    /// Set when the things that are connected changed.
    let connectionsChanged = Signal()

    init() {}

    /// Names of the things that have a subscription.
    var connectedThings: [String] { state.withLock { $0.outlets.keys.sorted() } }

    /// Names of the things that have a subscription at QoS 1.
    var acknowledgingThings: [String] {
        state.withLock { $0.outlets.filter { $0.value.contains(where: \.isAtLeastOnce) }.keys.sorted() }
    }

    /// Things whose messages the cloud has to send anew; asked for once.
    func takeInterrupted() -> Set<String> {
        state.withLock { state in
            defer { state.interrupted = [] }
            return state.interrupted
        }
    }

    /// A message for a thing could not be passed on.
    func interrupt(_ thing: String) {
        state.withLock { _ = $0.interrupted.insert(thing) }
        connectionsChanged.signal()
    }

    /// Adds a subscription. A newer one at QoS 1 ends the older one: a message has one acknowledger.
    ///
    /// - Returns: False where the thing has too many.
    func add(_ outlet: ThingOutlet) -> Bool {
        let (isAdded, superseded) = state.withLock { state in
            var list = state.outlets[outlet.thing] ?? []
            guard list.count < Self.maximumPerThing else { return (false, [ThingOutlet]()) }
            let superseded = outlet.isAtLeastOnce ? list.filter(\.isAtLeastOnce) : []
            list.removeAll { old in superseded.contains { $0 === old } }
            list.append(outlet)
            state.outlets[outlet.thing] = list
            // What the cloud sent to the older one has to come again, to the newer one.
            if !superseded.isEmpty { state.interrupted.insert(outlet.thing) }
            return (true, superseded)
        }
        for old in superseded { old.supersede() }
        if isAdded { connectionsChanged.signal() }
        return isAdded
    }

    func remove(_ outlet: ThingOutlet) {
        state.withLock { state in
            state.outlets[outlet.thing]?.removeAll { $0 === outlet }
            if outlet.isAtLeastOnce { state.interrupted.insert(outlet.thing) }
            if state.outlets[outlet.thing]?.isEmpty == true { state.outlets[outlet.thing] = nil }
        }
        connectionsChanged.signal()
    }

    /// Something was put into the queues of these things.
    func wake(_ things: Set<String>) {
        guard !things.isEmpty else { return }
        let outlets = state.withLock { state in things.flatMap { state.outlets[$0] ?? [] } }
        for outlet in outlets { outlet.wake() }
    }

    /// Messages for whoever of a thing's subscriptions is at QoS 0; those at QoS 1 take them from the queue,
    /// except such as have no sequence and are in no queue.
    func send(_ records: [MessageRecord], toThing thing: String) {
        let outlets = state.withLock { $0.outlets[thing] ?? [] }
        for outlet in outlets { outlet.offerLive(records) }
    }

    /// A message that came down from the cloud; false where nobody is there to take it, or has room.
    func relay(_ delivery: Hedgerow_Telemetry_V1_Delivery, done: @escaping @Sendable () -> Void) -> Bool {
        let outlets = state.withLock { $0.outlets[delivery.targetThing] ?? [] }
        let acknowledging = outlets.first(where: \.isAtLeastOnce)
        for outlet in outlets where outlet !== acknowledging {
            outlet.offerLive([delivery.record], always: true)
        }
        if let acknowledging { return acknowledging.offerRelayed(delivery, done: done) }
        guard !outlets.isEmpty else { return false }
        done()
        return true
    }
}
