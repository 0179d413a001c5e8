import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import HedgerowAPI
public import Logging
public import Observability
public import ServiceLifecycle
import StreamStore
import Synchronization

/// Sends spans to a collector by OTLP over gRPC, in batches, beside everything else.
///
/// Bounded and quiet: one batch is under way at a time; while the collector is away it is tried again with growing
/// pauses, at most for `OTEL_BSP_EXPORT_TIMEOUT`, then dropped; what comes meanwhile waits in the ``SpanBuffer``, which
/// drops what it cannot hold. That the collector is away is said when it begins and when it ends, at most once a minute. At the end what is there is sent once
/// more, for at most ``partingTime``.
///
/// Which errors are tried again: OpenTelemetry Protocol Specification, "OTLP/gRPC: Failures".
public final class TraceExporter: Service, Sendable {
    /// How long the last spans may take at the end of the program.
    public static let partingTime = Duration.seconds(2)
    private static let firstPause = Duration.milliseconds(500)
    private static let longestPause = Duration.seconds(5)

    private struct State {
        var isAway = false
        /// Spans dropped and not told of yet.
        var dropped: UInt64 = 0
        /// Spans left out while others were taken, and not told of yet.
        var leftOut: UInt64 = 0
    }

    private typealias TraceService = Opentelemetry_Proto_Collector_Trace_V1_TraceService
    private typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

    private let settings: TracingSettings
    private let buffer: SpanBuffer
    private let resource: @Sendable () -> [String: String]
    private let version: String
    private let logger: Logger
    private let clock: any Clock<Duration>
    private let state = Mutex(State())
    private let gathered = Signal()
    private let limiter = OncePerMinute()

    /// Makes an exporter; nothing is sent before ``run()``.
    ///
    /// - Parameters:
    ///   - settings: where to, and how.
    ///   - buffer: where the spans come from.
    ///   - resource: what is known about the program beside what the settings have, which wins.
    ///   - version: version of the program.
    ///   - clock: times pauses and deadlines.
    ///   - logger: told, once a minute, what cannot be sent.
    public init(
        settings: TracingSettings, buffer: SpanBuffer, resource: @escaping @Sendable () -> [String: String],
        version: String,
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.settings = settings
        self.buffer = buffer
        self.resource = resource
        self.version = version
        self.clock = clock
        self.logger = logger
        buffer.whenBatchGathers { [gathered] in gathered.signal() }
    }

    /// Sends until the task is cancelled or told to shut down; then once more.
    ///
    /// Never throws for a collector that is away or refuses.
    public func run() async throws {
        let client: Client
        do {
            client = Client(transport: try CollectorTransport.make(settings))
        } catch {
            logger.error(
                "traces cannot be exported; check the variables OTEL_EXPORTER_OTLP_…",
                metadata: ["error.message": "\(error)"])
            try? await gracefulShutdown()
            return
        }
        await withDiscardingTaskGroup { group in
            group.addTask { try? await client.runConnections() }
            try? await cancelWhenGracefulShutdown { try await self.exportForever(client) }
            await self.part(client)
            client.beginGracefulShutdown()
            group.cancelAll()
        }
    }

    private func exportForever(_ client: Client) async throws {
        while true {
            await waitForSpans()
            try Task.checkCancellation()
            repeat {
                await export(buffer.take(), client, within: settings.exportTimeout)
            } while buffer.count >= buffer.batchSize && !Task.isCancelled
        }
    }

    /// Returns when a whole batch is there, or after the longest wait.
    private func waitForSpans() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [clock, settings, gathered] in
                // Cancelled, it signals nothing: the signal would be kept, and end the next wait at once.
                guard (try? await clock.sleep(for: settings.scheduleDelay)) != nil else { return }
                gathered.signal()
            }
            await gathered.wait()
            group.cancelAll()
        }
    }

    /// Sends what is left, where the collector is there.
    private func part(_ client: Client) async {
        let end = ContinuousClock.now + Self.partingTime
        var batch = buffer.take()
        while !batch.isEmpty, ContinuousClock.now < end {
            let left = ContinuousClock.now.duration(to: end)
            guard await export(batch, client, within: left, tries: 1) else { return }
            batch = buffer.take()
        }
    }

    /// Sends one batch, trying again where that may help; drops it in the end.
    ///
    /// - Returns: Whether the collector took it.
    @discardableResult
    private func export(
        _ spans: [SpanRecord], _ client: Client, within limit: Duration, tries: Int = .max
    ) async -> Bool {
        guard !spans.isEmpty else { return true }
        let resource = resource().merging(settings.resource) { _, set in set }
        let request = SpanEncoding.request(spans, resource: resource, version: version)
        var metadata = Metadata()
        for (name, value) in settings.headers { metadata.addString(value, forKey: name) }
        var options = CallOptions.defaults
        options.timeout = min(settings.timeout, limit)
        // The first call comes before the first connection; later ones fail at once while the collector is away.
        options.waitForReady = true
        if settings.compresses { options.compression = .gzip }
        let start = ContinuousClock.now
        var pause = Self.firstPause
        for attempt in 1... {
            do {
                let answer = try await TraceService.Client(wrapping: client).export(
                    request, metadata: metadata, options: options)
                noteSent()
                noteLeftOut(buffer.takeDropped(), "more came than could be sent")
                noteLeftOut(
                    UInt64(clamping: answer.partialSuccess.rejectedSpans),
                    "the collector refused some: \(answer.partialSuccess.errorMessage)")
                return true
            } catch {
                if Task.isCancelled { return giveBack(spans) }
                let mayHelp = (error as? RPCError).map { Self.mayTryAgain($0) } ?? false
                let elapsed = start.duration(to: .now)
                guard mayHelp, attempt < tries, elapsed + pause < limit else {
                    noteDropped(
                        UInt64(spans.count) + buffer.takeDropped(),
                        "\((error as? RPCError)?.message ?? "\(error)")")
                    return false
                }
                do { try await clock.sleep(for: pause) } catch { return giveBack(spans) }
                pause = min(pause * 2, Self.longestPause)
            }
        }
        return false
    }

    /// The program ends while a batch is under way: it is sent once more at the end.
    private func giveBack(_ spans: [SpanRecord]) -> Bool {
        for span in spans { buffer.add(span) }
        return false
    }

    /// Some spans were left out while others go on: said once a minute.
    private func noteLeftOut(_ count: UInt64, _ cause: String) {
        guard count > 0 else { return }
        let total = state.withLock { state in
            state.leftOut += count
            return state.leftOut
        }
        guard limiter.admit("left out") != nil else { return }
        logger.notice(
            "some traces are left out; readings are not affected",
            metadata: ["spans.count": "\(total)", "cause": "\(cause)"])
        state.withLock { $0.leftOut -= min($0.leftOut, total) }
    }

    /// Says so where it is the first since the collector took something.
    private func noteDropped(_ count: UInt64, _ cause: String) {
        guard count > 0 else { return }
        let isFirst = state.withLock { state in
            state.dropped += count
            defer { state.isAway = true }
            return !state.isAway
        }
        guard isFirst, limiter.admit("dropped") != nil else { return }
        logger.notice(
            "traces are dropped until the collector takes them again; readings are not affected",
            metadata: [
                "collector": "\(settings.endpoint.host):\(settings.endpoint.port)", "cause": "\(cause)",
            ])
    }

    private func noteSent() {
        let dropped = state.withLock { state -> UInt64? in
            guard state.isAway else { return nil }
            defer {
                state.isAway = false
                state.dropped = 0
            }
            return state.dropped
        }
        guard let dropped, limiter.admit("taken again") != nil else { return }
        logger.notice("the collector takes traces again", metadata: ["spans.dropped": "\(dropped)"])
    }

    private static func mayTryAgain(_ error: RPCError) -> Bool {
        switch error.code {
        case .cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss: true
        // Only with the hint when to come back, which says that it will pass.
        case .resourceExhausted: (try? error.unpackGoogleRPCStatus()).map { !$0.details.isEmpty } ?? false
        default: false
        }
    }
}
