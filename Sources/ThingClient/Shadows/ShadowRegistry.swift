import HedgerowAPI
import Messaging
import RPCSupport
import Synchronization

/// What a thing does with its shadows. It outlives connections.
final class ShadowRegistry: Sendable {
    /// Most sequences of events of one thing.
    static let limit = 10

    private struct State: Sendable {
        var nextID: UInt64 = 1
        var active: [UInt64: ShadowWatch] = [:]
        var ended: Result<Void, ThingError>?
    }

    let calls: ShadowCalls
    private let state = Mutex(State())
    private let changed = ChangeSignal()

    init(backoff: Backoff, clock: any Clock<Duration>) {
        calls = ShadowCalls(backoff: backoff, clock: clock)
    }

    func events(
        name: String, all: Bool, kinds: [ThingShadowEvent.Kind], capacity: Int
    ) throws(ThingError) -> ThingShadowEvents {
        let watch = state.withLock { state -> ShadowWatch? in
            guard state.active.count < Self.limit else { return nil }
            var request = Hedgerow_Shadow_V1_WatchShadowRequest()
            request.name = name
            request.allNames = all
            request.kinds = kinds.map(\.wire)
            let watch = ShadowWatch(id: state.nextID, request: request, capacity: capacity)
            state.nextID += 1
            if let ended = state.ended {
                watch.end(ended)
            } else {
                state.active[watch.id] = watch
            }
            return watch
        }
        guard let watch else {
            throw ThingError.invalidConfiguration(
                "A thing watches its shadows at most \(Self.limit) times at once; end one first, or watch all shadows in "
                    + "one sequence.")
        }
        changed.notify()
        return ThingShadowEvents(handle: ThingShadowEvents.Handle(watch: watch, registry: self))
    }

    func remove(_ watch: ShadowWatch) {
        watch.end(.success(()))
        state.withLock { _ = $0.active.removeValue(forKey: watch.id) }
        changed.notify()
    }

    /// Ends all calls and sequences, and those that come later.
    ///
    /// - Parameter result: How the sequences end; calls end with the error, or as closed.
    func end(_ result: Result<Void, ThingError>) {
        let active = state.withLock { state in
            if state.ended == nil { state.ended = result }
            defer { state.active.removeAll() }
            return Array(state.active.values)
        }
        for watch in active { watch.end(result) }
        if case .failure(let reason) = result { calls.end(reason) } else { calls.end(.closed) }
        changed.notify()
    }

    /// Lets calls go to a server, and keeps every sequence there, new ones too, until the task is cancelled.
    func serve(
        _ client: ShadowCalls.Client, core: String, clock: any Clock<Duration>, backoff: Backoff,
        report: @escaping @Sendable (ThingEvent) -> Void
    ) async throws {
        calls.begin(client)
        // Calls that still run would hold the connection open.
        defer { calls.finish() }
        try await withThrowingDiscardingTaskGroup { group in
            var served: Set<UInt64> = []
            var seen = changed.version
            while true {
                let active = state.withLock { $0.active }
                served.formIntersection(active.keys)
                for (id, watch) in active where served.insert(id).inserted {
                    group.addTask {
                        await watch.serve(client, core: core, clock: clock, backoff: backoff, report: report)
                    }
                }
                do {
                    seen = try await changed.wait(after: seen)
                } catch {
                    group.cancelAll()
                    throw error
                }
            }
        }
    }
}
