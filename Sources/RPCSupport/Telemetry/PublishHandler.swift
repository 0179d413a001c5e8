public import GRPCCore
public import HedgerowAPI
public import Identity
public import Logging
public import Messaging
import StreamStore
import SwiftProtobuf

/// Serves `Publish` on core and cloud alike: one stream of a publisher from its session to its end.
///
/// A reader takes requests into a bounded mailbox; a processor gives everything that waits there to the
/// backend at once, and answers when it is durable. So there is no acknowledgement per message, and a
/// publisher that does not read its acknowledgements stops only itself.
public struct PublishHandler<Backend: PublishBackend>: Sendable {
    // Rejections of one response, and characters of a detail, which may quote what the publisher sent: together
    // far below gRPC's message limit.
    private static var maximumRejections: Int { 500 }
    private static var maximumDetail: Int { 500 }

    private let backend: Backend
    private let sessions: SessionRegistry
    private let limits: MessageLimits
    private let clock: WallClock
    private let rates: PublishRates?
    private let logger: Logger

    /// Makes a handler.
    public init(
        backend: Backend, sessions: SessionRegistry, limits: MessageLimits = .standard,
        clock: WallClock = .system, rates: PublishRates? = nil, logger: Logger
    ) {
        self.backend = backend
        self.sessions = sessions
        self.limits = limits
        self.clock = clock
        self.rates = rates
        self.logger = logger
    }

    /// Serves one stream.
    ///
    /// It ends with the call as well (deadline, peer gone, shutdown): grpc-swift does not cancel the handler's task by
    /// itself.
    public func serve(
        publisher: Principal, requests: RPCAsyncSequence<ArrivedPublishRequest, any Error>,
        responses: RPCWriter<PublishResponse>
    ) async throws {
        // A handler, not a task that waits: there are as many as things, and a task is some thousand bytes.
        let over = Signal()
        try await withRPCCancellationHandler {
            try await serve(publisher: publisher, requests: requests, responses: responses, over: over)
        } onCancelRPC: {
            over.signal()
        }
    }

    private func serve(
        publisher: Principal, requests: RPCAsyncSequence<ArrivedPublishRequest, any Error>,
        responses: RPCWriter<PublishResponse>, over: Signal
    ) async throws {
        let mailbox = IngestMailbox()
        let isSuperseded = Slot<Bool>()
        let opened = Signal()
        let session = Slot<IngestSession>()
        let reader = PublishRequestReader(
            limits: limits, clock: clock, mayHoldDeadLetters: publisher.role == .core)
        let callerTraces = MessageTracer.callerDecides
        defer { if let live = session.value { sessions.end(live) } }

        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                var isFirst = true
                for try await arrived in requests {
                    let request = arrived.request
                    if isFirst {
                        let opening = try reader.opening(of: request)
                        session.value = sessions.begin(
                            publisher: publisher, stream: opening.stream, lane: opening.lane,
                            epoch: opening.epoch,
                            oldestSequence: opening.oldestSequence, wantsSync: opening.wantsSync,
                            callerTraces: callerTraces,
                            end: {
                                isSuperseded.value = true
                                over.signal()
                            })
                        opened.signal()
                    }
                    let items = try reader.items(of: arrived, isFirst: isFirst)
                    isFirst = false
                    try await rates?.admit(publisher, items)
                    try await mailbox.offer(items)
                }
                mailbox.end()
                opened.signal()
                return false
            }
            group.addTask {
                await opened.wait()
                try Task.checkCancellation()
                guard let live = session.value else { return true }
                do {
                    try await process(mailbox, session: live, responses: responses)
                } catch {
                    await backend.closed(live)
                    throw error
                }
                await backend.closed(live)
                return true
            }
            group.addTask {
                await over.wait()
                try Task.checkCancellation()
                if isSuperseded.value == true, let live = session.value {
                    throw SessionRegistry.superseded(publisher, live.stream)
                }
                throw HedgerowError(
                    .unavailable, .shuttingDown, "the call was ended; connect again and resume")
            }
            while let isDone = try await group.next() {
                if isDone { break }
            }
            group.cancelAll()
        }
    }

    private func process(
        _ mailbox: IngestMailbox, session: IngestSession, responses: RPCWriter<PublishResponse>
    ) async throws {
        let resumeAfter = try await backend.open(session)
        var first = PublishResponse()
        first.resumeAfterSequence = resumeAfter
        first.acknowledgedSequence = resumeAfter
        first.level = .synced
        first.serverTime = Microseconds.timestamp(clock.now)
        try await responses.write(first)
        logger.debug(
            "publisher connected",
            metadata: [
                "publisher": "\(session.publisher)", "stream": "\(session.stream)",
                "resume.after": "\(resumeAfter)",
            ])

        var acknowledged = resumeAfter
        while let items = try await mailbox.takeAll() {
            var waiting = items
            while !waiting.isEmpty {
                let outcome = try await backend.ingest(waiting, session: session)
                waiting = outcome.remainder
                if outcome.acknowledged > acknowledged || !outcome.rejected.isEmpty || outcome.pause != nil {
                    for response in Self.responses(for: outcome, acknowledged: acknowledged) {
                        try await responses.write(response)
                    }
                    acknowledged = max(acknowledged, outcome.acknowledged)
                }
                if let failure = outcome.failure { throw failure }
                if let pause = outcome.pause { try await Task.sleep(for: pause.retryAfter) }
            }
        }
    }

    /// The answer to some items: one response, or several where it names many rejections, each with the
    /// acknowledgement of what it names.
    ///
    /// - Parameter acknowledged: What was acknowledged before.
    private static func responses(for outcome: IngestOutcome, acknowledged: UInt64) -> [PublishResponse] {
        var list: [PublishResponse] = []
        var response = PublishResponse()
        response.acknowledgedSequence = acknowledged
        response.level = outcome.level
        for var rejection in outcome.rejected {
            if response.rejected.count == maximumRejections {
                list.append(response)
                response.rejected = []
            }
            rejection.detail = String(rejection.detail.prefix(maximumDetail))
            response.acknowledgedSequence = max(response.acknowledgedSequence, rejection.lastSequence)
            response.rejected.append(rejection)
        }
        response.acknowledgedSequence = max(acknowledged, outcome.acknowledged)
        if let pause = outcome.pause {
            response.paused.reason = pause.reason
            response.paused.retryAfter = Google_Protobuf_Duration(
                rounding: Double(pause.retryAfter.components.seconds)
                    + Double(pause.retryAfter.components.attoseconds) / 1e18)
        }
        return list + [response]
    }
}
