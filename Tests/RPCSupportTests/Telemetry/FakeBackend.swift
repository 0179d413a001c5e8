import FoundationEssentials
import GRPCCore
import GRPCInProcessTransport
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import SwiftProtobuf
import Synchronization

/// Keeps cursors and sequences in memory, and does what a test tells it.
final class FakeBackend: PublishBackend {
    struct State {
        var cursors: [Epoch: UInt64] = [:]
        var accepted: [UInt64] = []
        var opened = 0
        var closed = 0
        /// Messages on this topic are full until it is taken away.
        var isFull = false
        var pauses = 0
    }

    let state = Mutex(State())
    let sessions: SessionRegistry

    init(sessions: SessionRegistry) { self.sessions = sessions }

    func open(_ session: IngestSession) async throws -> UInt64 {
        try sessions.requireLive(session)
        return state.withLock { state in
            state.opened += 1
            let cursor = max(state.cursors[session.epoch] ?? 0, session.oldestSequence - 1)
            state.cursors[session.epoch] = cursor
            return cursor
        }
    }

    func ingest(_ items: [IngestItem], session: IngestSession) async throws -> IngestOutcome {
        try sessions.requireLive(session)
        return state.withLock { state in
            var sequencer = IngestSequencer(cursor: state.cursors[session.epoch] ?? 0)
            var outcome = IngestOutcome(acknowledged: 0)
            loop: for (index, item) in items.enumerated() {
                switch sequencer.step(for: item.positions) {
                case .gap(let expected):
                    outcome.failure = IngestSequencer.gapError(
                        expected: expected, got: item.positions?.first ?? 0)
                    break loop
                case .repeated: continue loop
                case .new, .unsequenced:
                    if case .messages(let publication) = item {
                        switch publication.content {
                        case .failure(let refusal):
                            outcome.rejected.append(
                                .with {
                                    $0.firstSequence = item.positions?.first ?? 0
                                    $0.lastSequence = item.positions?.last ?? 0
                                    $0.reason = refusal.reason
                                    $0.detail = refusal.detail
                                })
                        case .success:
                            if state.isFull {
                                state.pauses += 1
                                outcome.pause = .init(reason: .queueFull, retryAfter: .milliseconds(5))
                                outcome.remainder = Array(items[index...])
                                break loop
                            }
                            if let positions = item.positions {
                                state.accepted.append(contentsOf: positions.first...positions.last)
                            }
                        }
                    }
                }
                sequencer.advance(past: item.positions)
            }
            state.cursors[session.epoch] = sequencer.cursor
            outcome.acknowledged = sequencer.cursor
            return outcome
        }
    }

    func closed(_ session: IngestSession) async { state.withLock { $0.closed += 1 } }
}

/// Deliveries that a test puts in.
final class FakeSource: DeliverySource {
    struct State {
        var waiting: [Hedgerow_Telemetry_V1_Delivery] = []
        var acknowledged: [UInt64] = []
        var things: [String] = []
        var dropped: UInt64 = 0
        var largestTake = 0
        var isClosed = false
        var isFinished = false
    }

    let state = Mutex(State())
    private let (stream, arrival) = AsyncStream.makeStream(
        of: Void.self, bufferingPolicy: .bufferingNewest(1))

    func put(_ count: Int, dropped: UInt64 = 0, bytes: Int = 0) {
        state.withLock { state in
            for _ in 0..<count {
                let id = UInt64(state.waiting.count + 1)
                state.waiting.append(
                    .with {
                        $0.deliveryID = id
                        $0.record.message.payload.data = .init(count: bytes)
                    })
            }
            state.dropped += dropped
        }
        arrival.yield()
    }

    /// Ends the stream with an error, as a source does that was superseded.
    func finish() {
        state.withLock { $0.isFinished = true }
        arrival.yield()
    }

    func take(limit: Int) async throws -> DeliveryBatch {
        try state.withLock { state in
            if state.isFinished { throw RPCError(code: .aborted, message: "finished") }
            state.largestTake = max(state.largestTake, limit)
            let taken = Array(state.waiting.prefix(limit))
            state.waiting.removeFirst(taken.count)
            defer { state.dropped = 0 }
            return DeliveryBatch(deliveries: taken, dropped: state.dropped)
        }
    }

    func wait() async { for await _ in stream { return } }

    func acknowledge(_ deliveryIDs: [UInt64]) async throws {
        state.withLock { $0.acknowledged.append(contentsOf: deliveryIDs) }
    }

    func setConnectedThings(_ things: [String]) async throws { state.withLock { $0.things = things } }

    func close() async { state.withLock { $0.isClosed = true } }
}

/// Serves the handlers, without authentication.
struct HandlerService: ArrivedPublishing {
    let backend: FakeBackend
    let source: FakeSource
    let publisher: Principal

    func publish(
        arrived requests: RPCAsyncSequence<ArrivedPublishRequest, any Error>,
        response: RPCWriter<PublishResponse>,
        context: ServerContext
    ) async throws {
        let handler = PublishHandler(
            backend: backend, sessions: backend.sessions, clock: WallClock { 1_000_000 },
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await handler.serve(publisher: publisher, requests: requests, responses: response)
    }

    func subscribe(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>, context: ServerContext
    ) async throws {
        let handler = SubscribeHandler { start in
            if !start.topicFilters.isEmpty { _ = try SubscribeHandler.filters(start.topicFilters) }
            return source
        }
        try await handler.serve(requests: request, responses: response) {
            try await context.cancellation.cancelled
        }
    }

    func query(
        request: Hedgerow_Telemetry_V1_QueryRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_QueryResponse { .init() }

    func getLedger(
        request: Hedgerow_Telemetry_V1_GetLedgerRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse { .init() }
}

/// Runs the handlers in process while `body` runs.
func withHandlers(
    _ body:
        @Sendable (Telemetry.Client<InProcessTransport.Client>, FakeBackend, FakeSource) async throws -> Void
) async throws {
    let transport = InProcessTransport()
    let backend = FakeBackend(sessions: SessionRegistry())
    let source = FakeSource()
    let service = HandlerService(
        backend: backend, source: source, publisher: try Principal(role: .thing, name: "a"))
    let interceptor = ErrorsAsStatus()
    let server = GRPCServer(transport: transport.server, services: [service], interceptors: [interceptor])
    let client = GRPCClient(transport: transport.client)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.serve() }
        group.addTask { try await client.runConnections() }
        do {
            try await body(Telemetry.Client(wrapping: client), backend, source)
        } catch {
            group.cancelAll()
            throw error
        }
        client.beginGracefulShutdown()
        server.beginGracefulShutdown()
        try await group.waitForAll()
    }
}

/// Nothing: errors of ours convert themselves. Here so that the chain is the one of a server.
struct ErrorsAsStatus: ServerInterceptor {
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next:
            @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<
                Output
            >
    ) async throws -> StreamingServerResponse<Output> {
        try await next(request, context)
    }
}
