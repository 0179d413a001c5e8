import RPCSupport
import StreamStore
import Synchronization

/// The inboxes of the process components of this core, as far as they are in memory: who receives from each now, what
/// waits at QoS 0, and how often a message was given to a program that ended over it.
final class Inboxes: Sendable {
    /// What waits at QoS 0 for an instance.
    struct Transient: Sendable {
        /// The oldest first.
        var messages: [InboxEntry.Message] = []
        /// How many were pushed out since this was last told.
        var dropped: UInt64 = 0
    }

    private struct State {
        var sessions: [String: InboxSession] = [:]
        var transient: [String: Transient] = [:]
        /// Attempts at the oldest message that is not done, by its id.
        var attempts: [String: (id: UInt64, count: Int)] = [:]
        /// Instances that got something since they were last asked for.
        var arrivals: Set<String> = []
    }

    private let state = Mutex(State())
    /// Set when an instance got something.
    let arrived = Signal()

    init() {}

    // MARK: Arrivals

    /// Something was put into the inboxes of these instances.
    func wake(_ instances: Set<String>) {
        guard !instances.isEmpty else { return }
        let sessions = state.withLock { state in
            state.arrivals.formUnion(instances)
            return instances.compactMap { state.sessions[$0] }
        }
        for session in sessions { session.mayGoOn.signal() }
        arrived.signal()
    }

    /// Offers messages at QoS 0.
    func offer(_ entries: [InboxEntry]) {
        guard !entries.isEmpty else { return }
        state.withLock { state in
            for entry in entries {
                var waiting = state.transient.removeValue(forKey: entry.instance) ?? Transient()
                waiting.messages += (0..<entry.batch.count).map { .init(entry: entry, row: $0) }
                let excess = waiting.messages.count - InboxLimits.transient
                if excess > 0 {
                    waiting.messages.removeFirst(excess)
                    waiting.dropped += UInt64(excess)
                }
                state.transient[entry.instance] = waiting
            }
        }
        wake(Set(entries.map(\.instance)))
    }

    /// Takes messages at QoS 0, at most so many, and how many were dropped before them.
    func takeTransient(_ limit: Int, of instance: String) -> Transient {
        state.withLock { state in
            guard var waiting = state.transient[instance] else { return Transient() }
            let taken = Transient(messages: Array(waiting.messages.prefix(limit)), dropped: waiting.dropped)
            waiting.messages.removeFirst(taken.messages.count)
            waiting.dropped = 0
            state.transient[instance] = waiting.messages.isEmpty ? nil : waiting
            return taken
        }
    }

    /// The instances that got something since this was last asked.
    func takeArrivals() -> Set<String> {
        state.withLock { state in
            defer { state.arrivals = [] }
            return state.arrivals
        }
    }

    // MARK: Receivers

    /// Makes a session the one that receives; the one before is told to end.
    func begin(_ session: InboxSession) async {
        let before = state.withLock { $0.sessions.updateValue(session, forKey: session.instance) }
        await before?.supersede()
    }

    /// A session ended.
    ///
    /// - Parameter unanswered: the oldest message that its program had without answering; nil where there is none.
    func end(_ session: InboxSession, unanswered: UInt64?) {
        state.withLock { state in
            if state.sessions[session.instance] === session { state.sessions[session.instance] = nil }
            guard let unanswered else { return }
            let before = state.attempts[session.instance]
            state.attempts[session.instance] =
                (unanswered, before?.id == unanswered ? (before?.count ?? 0) + 1 : 1)
        }
    }

    /// How often programs of an instance ended over a message.
    func attempts(at id: UInt64, of instance: String) -> Int {
        state.withLock { state in
            guard let attempts = state.attempts[instance], attempts.id == id else { return 0 }
            return attempts.count
        }
    }

    /// The program was asked to end, so that what it had in hand says nothing about the message.
    func forgive(_ instance: String) { state.withLock { $0.attempts[instance] = nil } }

    /// Whether something waits at QoS 0.
    func hasTransient(_ instance: String) -> Bool { state.withLock { $0.transient[instance] != nil } }

    /// Whether a program receives for an instance.
    func isReceived(_ instance: String) -> Bool { state.withLock { $0.sessions[instance] != nil } }

    /// Forgets what is in memory of an instance that is no longer there.
    func forget(_ instance: String) {
        state.withLock { state in
            state.transient[instance] = nil
            state.attempts[instance] = nil
        }
    }
}
