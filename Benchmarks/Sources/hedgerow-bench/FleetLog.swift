import Synchronization
import ThingClient

/// What happens to the things of a large fleet: connections, acknowledgements, and how they come back.
final class FleetLog: Sendable {
    /// One thing.
    private struct Member {
        var isConnected = false
        /// When the connection was lost, after ``FleetLog/expectLoss()``.
        var lost: Double?
        /// When a core took the session again, and when it acknowledged a reading again.
        var reconnected: Double?
        var reacknowledged: Double?
    }

    /// How the things came back; times are of ``MonotonicTime``.
    struct Return: Sendable {
        var lost = 0
        var reconnected = 0
        var reacknowledged = 0
        var lastReconnected = 0.0
        var lastReacknowledged = 0.0
        /// Attempts that failed meanwhile.
        var failures = 0
    }

    private struct State {
        var members: [Member]
        var latencies: [Double] = []
        var isMeasuring = false
        var expectsLoss = false
        var failures = 0
        var cuts = 0
        var unexpected: String?
    }

    private let state: Mutex<State>

    init(things: Int) {
        state = Mutex(State(members: Array(repeating: Member(), count: things)))
    }

    /// Something happened to a thing.
    func note(_ event: ThingEvent, of index: Int) {
        state.withLock { state in
            switch event {
            case .connected:
                state.members[index].isConnected = true
                if state.members[index].lost != nil, state.members[index].reconnected == nil {
                    state.members[index].reconnected = MonotonicTime.now()
                }
            case .disconnected:
                if state.members[index].isConnected, state.expectsLoss, state.members[index].lost == nil {
                    state.members[index].lost = MonotonicTime.now()
                } else if state.members[index].isConnected {
                    state.cuts += 1
                } else {
                    state.failures += 1
                }
                state.members[index].isConnected = false
            case .rejected(_, _, let detail):
                state.unexpected = state.unexpected ?? "\(FleetMember.name(index)) was refused: \(detail)"
            case .dropped, .missed:
                state.unexpected = state.unexpected ?? "\(FleetMember.name(index)) lost readings"
            default: break
            }
        }
    }

    /// A reading of a thing is acknowledged, so many seconds after it was published.
    func acknowledge(_ index: Int, after seconds: Double) {
        state.withLock { state in
            if state.isMeasuring { state.latencies.append(seconds) }
            if state.members[index].reconnected != nil, state.members[index].reacknowledged == nil {
                state.members[index].reacknowledged = MonotonicTime.now()
            }
        }
    }

    /// Measures from now on, or no more.
    func measure(_ measuring: Bool) { state.withLock { $0.isMeasuring = measuring } }

    /// The core is about to be killed.
    func expectLoss() {
        state.withLock { state in
            state.expectsLoss = true
            state.failures = 0
            for index in state.members.indices where !state.members[index].isConnected {
                state.members[index].lost = MonotonicTime.now()
            }
        }
    }

    var connected: Int { state.withLock { $0.members.count(where: \.isConnected) } }
    var latencies: [Double] { state.withLock { $0.latencies } }
    /// Attempts to connect that failed.
    var failures: Int { state.withLock { $0.failures } }
    /// Connections that were lost while nobody had killed the core: a machine that is too busy.
    var cuts: Int { state.withLock { $0.cuts } }
    /// The first thing that happened and should not have, in words.
    var unexpected: String? { state.withLock { $0.unexpected } }

    var comeback: Return {
        state.withLock { state in
            var result = Return()
            result.failures = state.failures
            for member in state.members {
                if member.lost != nil { result.lost += 1 }
                if let time = member.reconnected {
                    result.reconnected += 1
                    result.lastReconnected = max(result.lastReconnected, time)
                }
                if let time = member.reacknowledged {
                    result.reacknowledged += 1
                    result.lastReacknowledged = max(result.lastReacknowledged, time)
                }
            }
            return result
        }
    }
}
