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
    /// It ends with the call as well (deadline, peer gone, shutdown, cut off from outside): grpc-swift does not cancel
    /// the handler's task by itself, and ``ActiveCall`` has no task for it to cancel (``RPC/endsItself``).
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
        let ending = PublishEnding()
        let reader = PublishRequestReader(
            limits: limits, clock: clock, mayHoldDeadLetters: publisher.role == .core)
        let callerTraces = MessageTracer.callerDecides
        defer { if let live = session.value { sessions.end(live) } }

        // Two tasks, and the handler's own that waits for their end or that of the call: there are as many streams as
        // things, and most only wait.
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await read(
                        requests, into: mailbox, reader: reader, publisher: publisher,
                        begin: { opening in
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
                        })
                    // The processor ends the call: what came is answered first.
                    mailbox.end()
                    opened.signal()
                } catch {
                    ending.record(.failure(error))
                    over.signal()
                }
            }
            group.addTask {
                await opened.wait()
                guard !Task.isCancelled else { return }
                var outcome: Result<Void, any Error> = .success(())
                if let live = session.value {
                    do {
                        try await process(mailbox, session: live, responses: responses)
                    } catch {
                        outcome = .failure(error)
                    }
                    await backend.closed(live)
                }
                ending.record(outcome)
                over.signal()
            }
            await over.wait()
            ending.record(interruption(of: publisher, isSuperseded.value == true ? session.value : nil))
            group.cancelAll()
        }
        try ending.get()
    }

    /// Why a stream ends that neither its publisher nor a failure ended.
    private func interruption(
        of publisher: Principal, _ superseded: IngestSession?
    ) -> Result<Void, any Error> {
        if Task.isCancelled { return .failure(CancellationError()) }
        if let superseded {
            return .failure(SessionRegistry.superseded(publisher, superseded.stream))
        }
        return .failure(
            HedgerowError(.unavailable, .shuttingDown, "the call was ended; connect again and resume"))
    }

    /// Takes requests into the mailbox until the publisher ends the stream.
    private func read(
        _ requests: RPCAsyncSequence<ArrivedPublishRequest, any Error>, into mailbox: IngestMailbox,
        reader: PublishRequestReader, publisher: Principal, begin: (PublishRequestReader.Opening) -> Void
    ) async throws {
        var isFirst = true
        for try await arrived in requests {
            if isFirst { begin(try reader.opening(of: arrived.request)) }
            let items = try reader.items(of: arrived, isFirst: isFirst)
            isFirst = false
            try await rates?.admit(publisher, items)
            try await mailbox.offer(items)
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
