import HedgerowAPI
import RPCSupport
import StreamStore
import Synchronization

/// Tells those who serve things that something waits for them, and passes QoS 0 messages on.
final class Downlink: Sendable {
    private let outlets = Mutex<[ObjectIdentifier: DownlinkOutlet]>([:])

    init() {}

    func add(_ outlet: DownlinkOutlet) { outlets.withLock { $0[ObjectIdentifier(outlet)] = outlet } }

    func remove(_ outlet: DownlinkOutlet) {
        outlets.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(outlet)) }
    }

    /// Something was put into the queues of these things.
    func wake(_ things: Set<String>) {
        guard !things.isEmpty else { return }
        for outlet in outlets.withLock({ Array($0.values) }) where outlet.serves(anyOf: things) {
            outlet.wake(things)
        }
    }

    /// Messages that only matter to a thing that is connected now.
    func send(_ records: [MessageRecord], toThing thing: String) {
        for outlet in outlets.withLock({ Array($0.values) }) where outlet.serves(anyOf: [thing]) {
            outlet.offer(records, thing: thing)
        }
    }
}
