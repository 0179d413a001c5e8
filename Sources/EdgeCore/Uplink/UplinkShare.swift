import Synchronization

/// Divides the line to the cloud between streams and their lanes.
///
/// Payload under way without its acknowledgement is bounded for all sessions together, by ``RequestPace`` and by the
/// core's limit. While that is used up, sessions wait for their turn: the stream with the highest priority (the lowest
/// number) first, and among equals in proportion to their weights (start-time fair queueing, Goyal et al., SIGCOMM
/// 1996, section 2: a session's tag grows by what it sends divided by its weight, the least tag is next).
///
/// What the cloud does not acknowledge for ``stuckAfter`` no longer counts against the others, so that one session that
/// hangs does not stop the rest.
final class UplinkShare: Sendable {
    /// How long something may be under way before it stops counting against other sessions.
    static let stuckAfter = Duration.seconds(20)

    /// One session's part.
    final class Member: Sendable {
        fileprivate let share: UplinkShare
        fileprivate let id: UInt64

        fileprivate init(share: UplinkShare, id: UInt64) {
            self.share = share
            self.id = id
        }

        /// Waits until one more request may be sent.
        ///
        /// - Returns: Most bytes of payload of the request, after its first batch; nil when the session has left.
        ///   What is really sent has to be told by ``sent(_:)``, also where that is nothing.
        func turn(priority: Int, weight: Double) async throws -> Int? {
            try await share.turn(of: id, priority: priority, weight: weight)
        }

        /// A request of so many bytes was sent in a turn.
        func sent(_ bytes: Int) { share.sent(bytes, by: id) }

        /// The oldest request that was sent is acknowledged.
        func acknowledged() { share.acknowledged(by: id) }

        /// The session is over: nothing of it is under way, and whoever waits for its turn gets nil.
        func leave() { share.leave(id) }
    }

    private struct Waiter {
        let member: UInt64
        let priority: Int
        let weight: Double
        let order: UInt64
        let continuation: CheckedContinuation<Int?, Never>
    }

    private struct Session {
        /// What is under way, oldest first.
        var requests: [(bytes: Int, sent: ContinuousClock.Instant)] = []
        /// Start tag of its next request.
        var tag = 0.0
        var weight = 1.0
        /// Whether a turn was given and not yet used.
        var isOnTurn = false
    }

    private struct State {
        var sessions: [UInt64: Session] = [:]
        var waiters: [Waiter] = []
        var pace = RequestPace()
        /// Start tag of the request that was admitted last.
        var virtualTime = 0.0
        var nextNumber: UInt64 = 0
    }

    private let maximumBytes: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// Makes a share.
    ///
    /// - Parameters:
    ///   - maximumBytes: Most bytes under way, however fast the line is.
    ///   - now: Tells the time.
    init(maximumBytes: Int, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.maximumBytes = maximumBytes
        self.now = now
    }

    /// Bytes that are under way.
    var bytesUnderWay: Int {
        state.withLock { $0.sessions.values.reduce(0) { $0 + $1.requests.reduce(0) { $0 + $1.bytes } } }
    }

    /// Sessions that wait for their turn.
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Takes a session in.
    func join() -> Member {
        let id = state.withLock { state in
            state.nextNumber += 1
            // It begins where the others are: having been away is no claim to the line.
            state.sessions[state.nextNumber] = Session(tag: state.virtualTime)
            return state.nextNumber
        }
        return Member(share: self, id: id)
    }

    /// Looks again at what waits. To be called now and then, for what becomes stuck tells nobody.
    func refresh() { resume(state.withLock { admit(&$0) }) }

    private func turn(of id: UInt64, priority: Int, weight: Double) async throws -> Int? {
        let allowed = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Int?, Never>) in
                let admitted = state.withLock { state -> [(CheckedContinuation<Int?, Never>, Int?)] in
                    guard state.sessions[id] != nil, !Task.isCancelled else { return [(continuation, nil)] }
                    state.nextNumber += 1
                    state.waiters.append(
                        Waiter(
                            member: id, priority: priority, weight: max(weight, 0.01),
                            order: state.nextNumber,
                            continuation: continuation))
                    return admit(&state)
                }
                resume(admitted)
            }
        } onCancel: {
            leave(id)
        }
        try Task.checkCancellation()
        return allowed
    }

    private func sent(_ bytes: Int, by id: UInt64) {
        let admitted = state.withLock { state in
            guard var session = state.sessions[id] else {
                return [(CheckedContinuation<Int?, Never>, Int?)]()
            }
            session.isOnTurn = false
            if bytes > 0 {
                session.requests.append((bytes, now()))
                session.tag += Double(bytes) / session.weight
            }
            state.sessions[id] = session
            return admit(&state)
        }
        resume(admitted)
    }

    private func acknowledged(by id: UInt64) {
        let admitted = state.withLock { state in
            if let first = state.sessions[id]?.requests.first {
                state.sessions[id]?.requests.removeFirst()
                state.pace.acknowledged(after: first.sent.duration(to: now()))
            }
            return admit(&state)
        }
        resume(admitted)
    }

    private func leave(_ id: UInt64) {
        let admitted = state.withLock { state in
            state.sessions[id] = nil
            let gone = state.waiters.filter { $0.member == id }.map { ($0.continuation, Int?.none) }
            state.waiters.removeAll { $0.member == id }
            return gone + admit(&state)
        }
        resume(admitted)
    }

    /// Gives turns while there is room, each to whom it belongs first.
    private func admit(_ state: inout State) -> [(CheckedContinuation<Int?, Never>, Int?)] {
        var admitted: [(CheckedContinuation<Int?, Never>, Int?)] = []
        let bound = min(state.pace.inFlightBytes, maximumBytes)
        while !state.waiters.isEmpty, counted(state) < bound {
            guard
                let index = state.waiters.indices.min(by: { one, other in
                    let (one, other) = (state.waiters[one], state.waiters[other])
                    return (one.priority, tag(one, state), Double(one.order))
                        < (other.priority, tag(other, state), Double(other.order))
                })
            else { break }
            let waiter = state.waiters.remove(at: index)
            let start = tag(waiter, state)
            state.virtualTime = start
            state.sessions[waiter.member]?.tag = start
            state.sessions[waiter.member]?.weight = waiter.weight
            state.sessions[waiter.member]?.isOnTurn = true
            admitted.append((waiter.continuation, state.pace.requestBytes))
        }
        return admitted
    }

    /// A session that had nothing to send for a while does not get that time back.
    private func tag(_ waiter: Waiter, _ state: State) -> Double {
        max(state.sessions[waiter.member]?.tag ?? 0, state.virtualTime)
    }

    /// What is under way and not stuck, and what those on their turn may send.
    private func counted(_ state: State) -> Int {
        let limit = now() - Self.stuckAfter
        return state.sessions.values.reduce(0) { sum, session in
            let onTurn = session.isOnTurn ? state.pace.requestBytes : 0
            guard let oldest = session.requests.first, oldest.sent > limit else { return sum + onTurn }
            return session.requests.reduce(sum + onTurn) { $0 + $1.bytes }
        }
    }

    private func resume(_ admitted: [(CheckedContinuation<Int?, Never>, Int?)]) {
        for (continuation, allowed) in admitted { continuation.resume(returning: allowed) }
    }
}
