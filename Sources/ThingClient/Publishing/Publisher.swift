import FoundationEssentials
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization
import Tracing

/// The shared state behind `publish`: the buffer, who waits for what, and the counts.
///
/// One lock, held for moments and never while somebody's code runs: events and continuations are handed out
/// after it was released.
final class Publisher: Sendable {
    /// 16 random bytes, drawn once.
    let epoch: [UInt8]
    let epochText: String
    private let packer: PublicationPacker
    private let onEvent: @Sendable (ThingEvent) -> Void
    private let state: Mutex<State>
    private let traces = PublicationTraces()

    /// What a task waits for.
    private enum Wish: Sendable {
        case room(cost: Int)
        case work
        case connection
        case closing
        /// Everything up to a sequence is settled and no QoS 0 message waits.
        case settled(through: UInt64)
        /// One message is settled.
        case outcome(sequence: UInt64)
    }

    private struct Waiter: Sendable {
        let wish: Wish
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State: Sendable {
        var buffer: PublisherBuffer
        var statistics: ThingStatistics
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
        /// What became of messages that somebody waits for.
        var outcomes: [UInt64: Result<Void, ThingError>?] = [:]
        var sessions: UInt64 = 0
        var clockDoubtful = false
        var closing = false
        var ended: ThingError?
        var lastProblem: String?
        var rejectedSinceFlush: UInt64 = 0
        var firstRejection: (reason: ErrorReason, detail: String)?
    }

    init(
        epoch: [UInt8], limits: PublisherLimits, onEvent: @escaping @Sendable (ThingEvent) -> Void
    ) {
        self.epoch = epoch
        self.epochText = Hexadecimal.text(epoch)
        self.packer = PublicationPacker(limits: limits)
        self.onEvent = onEvent
        self.state = Mutex(
            State(buffer: PublisherBuffer(limits: limits), statistics: ThingStatistics(epoch: epochText)))
    }

    // MARK: publishing

    /// Buffers a message.
    func publish(
        _ message: OutgoingMessage, qos: DeliveryGuarantee, policy: OverflowPolicy, awaited: Bool = false
    ) async throws -> PublicationReceipt {
        var message = message
        let span = traces?.begin(&message, qos: qos)
        do {
            switch qos {
            case .atMostOnce:
                try publishVolatile(message)
                span?.end()
                return PublicationReceipt(epoch: epochText, sequence: 0)
            case .atLeastOnce:
                while true {
                    try Task.checkCancellation()
                    if let sequence = try keep(message, policy: policy, awaited: awaited) {
                        if let span { traces?.enter(span, sequence: sequence) }
                        return PublicationReceipt(epoch: epochText, sequence: sequence)
                    }
                    try await wait(for: .room(cost: message.cost))
                }
            }
        } catch {
            span?.recordError(error)
            span?.end()
            throw error
        }
    }

    private func keep(_ message: OutgoingMessage, policy: OverflowPolicy, awaited: Bool) throws -> UInt64? {
        var events: [ThingEvent] = []
        let (sequence, ready) = try state.withLock { state -> (UInt64?, [Resumption]) in
            try Self.checkOpen(state)
            var message = message
            message.timeDoubtful = state.clockDoubtful
            switch state.buffer.append(message, policy: policy) {
            case .full: return (nil, [])
            case .kept(let sequence, let dropped):
                state.statistics.published += 1
                if awaited { state.outcomes[sequence] = .some(nil) }
                if let dropped {
                    let count = RangeList.count([dropped])
                    state.statistics.dropped += count
                    events.append(.dropped(count: count))
                    for number in dropped where state.outcomes[number] != nil {
                        state.outcomes[number] = .failure(.dropped(sequence: number))
                    }
                }
                return (sequence, Self.takeReady(&state))
            }
        }
        finish(ready, events)
        return sequence
    }

    private func publishVolatile(_ message: OutgoingMessage) throws {
        var events: [ThingEvent] = []
        let ready = try state.withLock { state in
            try Self.checkOpen(state)
            var message = message
            message.timeDoubtful = state.clockDoubtful
            state.statistics.published += 1
            let dropped = UInt64(state.buffer.appendVolatile(message))
            if dropped > 0 {
                state.statistics.dropped += dropped
                events.append(.dropped(count: dropped))
            }
            return Self.takeReady(&state)
        }
        finish(ready, events)
    }

    /// Waits until a message that was published with `awaited` is settled.
    func outcome(of sequence: UInt64) async throws {
        defer { state.withLock { _ = $0.outcomes.removeValue(forKey: sequence) } }
        try await wait(for: .outcome(sequence: sequence))
        let result = state.withLock { $0.outcomes[sequence] ?? nil }
        try result?.get()
    }

    /// Waits until everything published so far is settled.
    ///
    /// - Throws: ``ThingError/rejected(reason:detail:count:)`` where messages were refused since the last
    ///   flush.
    func drain() async throws {
        try await settled()
        let (count, rejection) = state.withLock { state in
            defer {
                state.rejectedSinceFlush = 0
                state.firstRejection = nil
            }
            return (state.rejectedSinceFlush, state.firstRejection)
        }
        if let rejection {
            throw ThingError.rejected(reason: rejection.reason, detail: rejection.detail, count: count)
        }
    }

    /// Waits until everything published so far is settled, whichever way.
    func settled() async throws {
        let newest = state.withLock { $0.buffer.newest }
        try await wait(for: .settled(through: newest))
    }

    /// Waits until a server has taken the session.
    func connected() async throws {
        try await wait(for: .connection)
    }

    // MARK: state

    var statistics: ThingStatistics {
        state.withLock { Self.statistics($0) }
    }

    /// Sessions that servers have taken so far.
    var sessionCount: UInt64 { state.withLock { $0.sessions } }

    /// Whether a server has taken the session and it lives.
    var isConnected: Bool { state.withLock { $0.buffer.isResumed } }

    var lastProblem: String? { state.withLock { $0.lastProblem } }

    /// Nothing new is taken; the session ends when everything is settled.
    func beginClosing() {
        let ready = state.withLock { state in
            state.closing = true
            return Self.takeReady(&state)
        }
        finish(ready, [])
    }

    var hasEnded: Bool { state.withLock { $0.ended != nil } }

    var isClosing: Bool { state.withLock { $0.closing } }

    /// Waits until the thing is to be closed.
    func closingBegan() async throws {
        try await wait(for: .closing)
    }

    /// Whether closing may end now: nothing is left to be settled.
    var isDrained: Bool {
        state.withLock { $0.buffer.unsettledCount == 0 && $0.buffer.volatileCount == 0 }
    }

    /// The thing has ended; whoever waits or comes later gets the error.
    func end(_ error: ThingError) {
        let ready = state.withLock { state in
            if state.ended == nil { state.ended = error }
            state.statistics.currentCore = nil
            return Self.takeReady(&state)
        }
        traces?.close()
        finish(ready, [])
    }

    func report(_ event: ThingEvent) {
        switch event {
        case .problem(let text), .disconnected(_, let text): state.withLock { $0.lastProblem = text }
        case .connected: state.withLock { $0.lastProblem = nil }
        default: break
        }
        onEvent(event)
    }

    // MARK: the session's side

    /// The first request of a session.
    func openingRequest(stream: String) -> Hedgerow_Telemetry_V1_PublishRequest {
        var request = Hedgerow_Telemetry_V1_PublishRequest()
        request.session.stream = stream
        request.session.epoch = Data(epoch)
        request.session.oldestSequence = state.withLock { $0.buffer.oldestSequence }
        request.session.level = .synced
        return request
    }

    /// What to send next; waits while there is nothing. Nil when the thing is closing and all is sent.
    func nextRequest() async throws -> Hedgerow_Telemetry_V1_PublishRequest? {
        while true {
            try await wait(for: .work)
            let (outgoing, done, ready) = state.withLock { state in
                let outgoing = state.buffer.next()
                state.statistics.sent += UInt64(outgoing.firstTime + outgoing.volatile.count)
                let done = outgoing.isEmpty && state.closing && state.buffer.unsettledCount == 0
                return (outgoing, done, Self.takeReady(&state))
            }
            finish(ready, [])
            if done { return nil }
            if !outgoing.isEmpty { return packer.request(for: outgoing) }
        }
    }

    /// A server took the session.
    func resume(after cursor: UInt64, core: String) throws {
        var events: [ThingEvent] = []
        let ready = try state.withLock { state in
            let settlement = try state.buffer.resume(after: cursor)
            state.sessions += 1
            state.statistics.reconnects = state.sessions - 1
            state.statistics.currentCore = core
            Self.record(settlement, in: &state, events: &events)
            return Self.takeReady(&state)
        }
        finish(ready, events)
    }

    /// A server said something about what was sent.
    func handle(_ response: Hedgerow_Telemetry_V1_PublishResponse) throws {
        var events: [ThingEvent] = []
        let ready = try state.withLock { state in
            for rejection in response.rejected { Self.record(rejection, in: &state, events: &events) }
            let settlement = try state.buffer.acknowledge(through: response.acknowledgedSequence)
            Self.record(settlement, in: &state, events: &events)
            return Self.takeReady(&state)
        }
        if response.hasPaused {
            let after = response.paused.hasRetryAfter ? response.paused.retryAfter : nil
            events.append(
                .paused(
                    reason: response.paused.reason,
                    retryAfter: after.map { .seconds($0.seconds) + .nanoseconds(Int64($0.nanos)) }))
        }
        finish(ready, events)
    }

    /// The session ended, or never began.
    func sessionEnded() {
        var events: [ThingEvent] = []
        state.withLock { state in
            let dropped = UInt64(state.buffer.endSession())
            state.statistics.currentCore = nil
            state.statistics.dropped += dropped
            if dropped > 0 { events.append(.dropped(count: dropped)) }
        }
        finish([], events)
    }

    func setClockDoubtful(_ doubtful: Bool) {
        state.withLock { $0.clockDoubtful = doubtful }
    }

    // MARK: inside the lock

    private static func checkOpen(_ state: State) throws {
        if let ended = state.ended { throw ended }
        if state.closing { throw ThingError.closed }
    }

    private static func statistics(_ state: State) -> ThingStatistics {
        var statistics = state.statistics
        statistics.lastAcknowledgedSequence = state.buffer.acknowledged
        statistics.unsettled = state.buffer.unsettledCount
        statistics.bufferedBytes = state.buffer.heldBytes
        return statistics
    }

    private static func record(
        _ rejection: Hedgerow_Telemetry_V1_Rejection, in state: inout State, events: inout [ThingEvent]
    ) {
        var range: ClosedRange<UInt64>?
        var count: UInt64 = 1
        var awaited: UInt64 = 0
        if rejection.firstSequence > 0, rejection.lastSequence >= rejection.firstSequence {
            let sequences = rejection.firstSequence...rejection.lastSequence
            range = sequences
            count = state.buffer.refuse(sequences)
            let error = ThingError.rejected(reason: rejection.reason, detail: rejection.detail, count: 1)
            for number in state.outcomes.keys where sequences.contains(number) {
                state.outcomes[number] = .failure(error)
                awaited += 1
            }
        }
        guard count > 0 else { return }
        state.statistics.rejected += count
        // Whoever waits for a message hears of it there; a flush reports the others.
        if count > awaited {
            state.rejectedSinceFlush += count - awaited
            if state.firstRejection == nil { state.firstRejection = (rejection.reason, rejection.detail) }
        }
        events.append(.rejected(sequences: range, reason: rejection.reason, detail: rejection.detail))
    }

    private static func record(
        _ settlement: PublisherBuffer.Settlement, in state: inout State, events: inout [ThingEvent]
    ) {
        state.statistics.acknowledged += RangeList.count(settlement.accepted)
        state.statistics.lost += RangeList.count(settlement.lost)
        for range in settlement.accepted {
            events.append(.acknowledged(epoch: state.statistics.epoch, sequences: range))
            for number in state.outcomes.keys where range.contains(number) {
                state.outcomes[number] = .success(())
            }
        }
        for range in settlement.lost {
            for number in state.outcomes.keys where range.contains(number) {
                state.outcomes[number] = .failure(.dropped(sequence: number))
            }
        }
    }

    // MARK: waiting

    private struct Resumption: Sendable {
        let continuation: CheckedContinuation<Void, any Error>
        let error: (any Error)?

        func resume() {
            if let error { continuation.resume(throwing: error) } else { continuation.resume() }
        }
    }

    /// Events go out before those who wait go on: a waiter that sees its outcome finds it reported already.
    private func finish(_ ready: [Resumption], _ events: [ThingEvent]) {
        for event in events {
            traces?.note(event)
            onEvent(event)
        }
        for resumption in ready { resumption.resume() }
    }

    /// Nil while the wish is not fulfilled.
    private static func answer(_ wish: Wish, _ state: State) -> Result<Void, any Error>? {
        switch wish {
        case .work:
            if let ended = state.ended { return .failure(ended) }
            if state.buffer.hasWork { return .success(()) }
            let drained = state.closing && state.buffer.unsettledCount == 0
            return drained ? .success(()) : nil
        case .outcome(let sequence):
            guard let entry = state.outcomes[sequence] else { return .success(()) }
            if entry != nil { return .success(()) }
        case .settled(let sequence):
            if state.buffer.acknowledged >= sequence, state.buffer.volatileCount == 0 {
                return .success(())
            }
        case .closing:
            if state.closing { return .success(()) }
        case .connection:
            if state.buffer.isResumed { return .success(()) }
        case .room(let cost):
            if state.closing { return .failure(ThingError.closed) }
            if state.buffer.hasRoom(for: cost) { return .success(()) }
        }
        return state.ended.map { .failure($0) }
    }

    private static func takeReady(_ state: inout State) -> [Resumption] {
        guard !state.waiters.isEmpty else { return [] }
        var ready: [Resumption] = []
        for (id, waiter) in state.waiters {
            guard let answer = answer(waiter.wish, state) else { continue }
            state.waiters.removeValue(forKey: id)
            switch answer {
            case .success: ready.append(Resumption(continuation: waiter.continuation, error: nil))
            case .failure(let error):
                ready.append(Resumption(continuation: waiter.continuation, error: error))
            }
        }
        return ready
    }

    private func wait(for wish: Wish) async throws {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let now: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if let answer = Self.answer(wish, state) { return answer }
                    state.waiters[id] = Waiter(wish: wish, continuation: continuation)
                    return nil
                }
                if let now { continuation.resume(with: now) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }
}
