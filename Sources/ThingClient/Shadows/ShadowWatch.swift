import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import Synchronization

/// One sequence of events: what it wants, what has come, and the loop that keeps it at a server.
final class ShadowWatch: Sendable {
    private struct State: Sendable {
        var buffer = FIFO<ThingShadowEvent>()
        /// Where to go on, and which server's position that is.
        var position = ""
        var core = ""
        var ended: Result<Void, ThingError>?
    }

    let id: UInt64
    private let request: Hedgerow_Shadow_V1_WatchShadowRequest
    private let capacity: Int
    private let state = Mutex(State())
    /// Something came, or the end.
    private let arrived = ChangeSignal()
    /// There is room again, or the end.
    private let taken = ChangeSignal()

    init(id: UInt64, request: Hedgerow_Shadow_V1_WatchShadowRequest, capacity: Int) {
        self.id = id
        self.request = request
        self.capacity = max(capacity, 1)
    }

    private var isEnded: Bool { state.withLock { $0.ended != nil } }

    func end(_ result: Result<Void, ThingError>) {
        state.withLock { if $0.ended == nil { $0.ended = result } }
        arrived.notify()
        taken.notify()
    }

    /// The next event; nil when the thing was closed.
    func next() async throws -> ThingShadowEvent? {
        var seen = arrived.version
        while true {
            let (event, ended) = state.withLock { ($0.buffer.popFirst(), $0.ended) }
            if let event {
                taken.notify()
                return event
            }
            if let ended {
                try ended.get()
                return nil
            }
            seen = try await arrived.wait(after: seen)
        }
    }

    /// Keeps the sequence at a server until it ends or the task is cancelled.
    func serve(
        _ client: ShadowCalls.Client, core: String, clock: any Clock<Duration>, backoff: Backoff,
        report: @escaping @Sendable (ThingEvent) -> Void
    ) async {
        var backoff = backoff
        while !Task.isCancelled, !isEnded {
            let before = state.withLock { $0.position }
            do {
                try await session(client, core: core)
            } catch {
                if Task.isCancelled || isEnded { return }
                let failure = CallerError(error)
                if case .answered(let reason) = failure.kind, isFinal(reason) {
                    return end(.failure(.shadowRefused(reason: reason, detail: failure.description)))
                }
                let name =
                    request.allNames ? "all shadows" : request.name.isEmpty ? "the shadow" : request.name
                report(.problem("Watching \(name) ended and is tried again: \(failure)."))
            }
            if state.withLock({ $0.position }) != before { backoff.reset() }
            do { try await clock.sleep(for: backoff.next()) } catch { return }
        }
    }

    /// Whether what a server refused cannot become right by asking again.
    private func isFinal(_ reason: ErrorReason) -> Bool {
        switch reason {
        case .invalidField, .badPageToken:
            // A position that this server cannot read: the document as it is will do.
            return state.withLock { state in
                defer { state.position = "" }
                return state.position.isEmpty
            }
        case .notYourResource, .roleNotAllowed: return true
        default: return false
        }
    }

    private func session(_ client: ShadowCalls.Client, core: String) async throws {
        var request = request
        state.withLock { state in
            // Positions are of one server.
            if state.core != core { state.position = "" }
            state.core = core
            request.afterPosition = state.position
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self, request] in
                try await client.watchShadow(request) { response in
                    for try await message in response.messages { try await self.take(message, core: core) }
                }
            }
            group.addTask { [self] in
                var seen = taken.version
                while !isEnded { seen = try await taken.wait(after: seen) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Takes what a server said, as soon as there is room.
    private func take(_ message: Hedgerow_Shadow_V1_WatchShadowResponse, core: String) async throws {
        let event = try ThingShadowEvent(message, core: core)
        var seen = taken.version
        while true {
            let isTaken = state.withLock { state in
                if event != nil, state.buffer.count >= capacity, state.ended == nil { return false }
                if let event, state.ended == nil { state.buffer.append(event) }
                if !message.position.isEmpty { state.position = message.position }
                return true
            }
            if isTaken { break }
            seen = try await taken.wait(after: seen)
        }
        arrived.notify()
    }
}
