import HedgerowAPI
import RPCSupport
import StreamStore
import Synchronization

/// One stream that takes messages down: a core's, for its connected things, or a direct thing's own.
///
/// Per thing at most ``maximumInFlight`` messages are on their way, so that a thing that never
/// acknowledges holds up no other.
final class DownlinkOutlet: Sendable {
    /// Most unacknowledged messages per thing.
    static let maximumInFlight = 64
    /// Most QoS 0 messages waiting.
    static let maximumTransient = 1_000
    /// Most things of one core.
    static let maximumThings = 1_000

    /// How far the queue of one thing was sent here.
    struct Progress: Sendable {
        var sentThrough: Int64 = 0
        var inFlight: Set<Int64> = []
        var isDroppedDue = true
        /// Whether the thing stands in `State.due`.
        var isDue = false
    }

    struct State {
        var things: [String: Progress] = [:]
        /// Things whose queue may hold more than was sent, in turn: nobody else's queue is looked at.
        var due: [String] = []
        var owners: [Int64: String] = [:]
        var transient: [(thing: String, record: MessageRecord)] = []
        var dropped: UInt64 = 0
    }

    private let state: Mutex<State>
    private let arrival = Signal()

    init(things: [String]) {
        var first = State()
        for thing in things where first.things[thing] == nil {
            first.things[thing] = Progress()
            Self.makeDue(thing, &first)
        }
        state = Mutex(first)
    }

    private static func makeDue(_ thing: String, _ state: inout State) {
        guard var progress = state.things[thing], !progress.isDue else { return }
        progress.isDue = true
        state.things[thing] = progress
        state.due.append(thing)
    }

    func serves(anyOf things: Set<String>) -> Bool {
        state.withLock { state in things.contains { state.things[$0] != nil } }
    }

    /// Something was put into the queues of these things.
    func wake(_ things: Set<String>) {
        state.withLock { state in
            for thing in things { Self.makeDue(thing, &state) }
        }
        arrival.signal()
    }

    func wait() async { await arrival.wait() }

    func offer(_ records: [MessageRecord], thing: String) {
        state.withLock { state in
            state.transient.append(contentsOf: records.map { (thing, $0) })
            let excess = state.transient.count - Self.maximumTransient
            if excess > 0 {
                state.transient.removeFirst(excess)
                state.dropped += UInt64(excess)
            }
        }
        arrival.signal()
    }

    /// Replaces the things; what was on its way to one that is gone will be sent again when it returns.
    func setThings(_ names: Set<String>) {
        state.withLock { state in
            for (name, progress) in state.things where !names.contains(name) {
                for id in progress.inFlight { state.owners[id] = nil }
                state.things[name] = nil
            }
            state.due.removeAll { state.things[$0] == nil }
            for name in names.sorted() where state.things[name] == nil {
                state.things[name] = Progress()
                Self.makeDue(name, &state)
            }
        }
        arrival.signal()
    }

    /// QoS 0 messages that wait, and how many were dropped.
    func takeTransient(limit: Int) -> (messages: [(thing: String, record: MessageRecord)], dropped: UInt64) {
        state.withLock { state in
            let messages = Array(state.transient.prefix(limit))
            state.transient.removeFirst(messages.count)
            defer { state.dropped = 0 }
            return (messages, state.dropped)
        }
    }

    /// The next thing whose queue is to be looked at, with where that goes on and how many may be taken; nil
    /// where none is. One that has no room is looked at again when it acknowledges.
    func nextDue() -> (thing: String, after: Int64, room: Int)? {
        state.withLock { state in
            while !state.due.isEmpty {
                let thing = state.due.removeFirst()
                guard let progress = state.things[thing] else { continue }
                state.things[thing]?.isDue = false
                let room = Self.maximumInFlight - progress.inFlight.count
                if room > 0 { return (thing, progress.sentThrough, room) }
            }
            return nil
        }
    }

    /// There may be more in the queue of a thing than was taken; it is looked at again after the others.
    func putBack(_ thing: String) { state.withLock { Self.makeDue(thing, &$0) } }

    /// Whether the losses of a thing's queue are still to be asked for on this stream.
    func takeDroppedDue(thing: String) -> Bool {
        state.withLock { state in
            guard state.things[thing]?.isDroppedDue == true else { return false }
            state.things[thing]?.isDroppedDue = false
            return true
        }
    }

    /// Enters a message as on its way; false where the thing has gone meanwhile.
    func begin(_ id: Int64, thing: String) -> Bool {
        state.withLock { state in
            guard var progress = state.things[thing] else { return false }
            progress.sentThrough = max(progress.sentThrough, id)
            progress.inFlight.insert(id)
            state.things[thing] = progress
            state.owners[id] = thing
            return true
        }
    }

    /// Takes acknowledged messages off, by thing.
    func finish(_ ids: [Int64]) -> [String: [Int64]] {
        let done = state.withLock { state in
            var done: [String: [Int64]] = [:]
            for id in ids {
                guard let thing = state.owners.removeValue(forKey: id) else { continue }
                state.things[thing]?.inFlight.remove(id)
                Self.makeDue(thing, &state)
                done[thing, default: []].append(id)
            }
            return done
        }
        arrival.signal()
        return done
    }
}
