import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import RPCSupport
import Synchronization

/// A collector of traces on loopback, as the demo needs one: takes OTLP over gRPC and keeps the newest spans.
final class TraceCollector: Opentelemetry_Proto_Collector_Trace_V1_TraceService.SimpleServiceProtocol {
    /// Most spans kept; the oldest give way.
    static let maximumSpans = 20_000

    private let spans = Mutex<[CollectedSpan]>([])
    private let port = Announced<Int>()

    private let (stopping, stop) = AsyncStream<Never>.makeStream()

    /// Serves while the body runs, and ends in an orderly way after that.
    ///
    /// What ends the body early must not cancel the server: a stream that comes in at that instant would end the whole
    /// process (swift-nio stops where an asynchronous channel is dropped unused), and nothing would be cleaned up.
    static func with<Result: Sendable>(
        _ body: (TraceCollector) async throws -> Result
    ) async throws -> Result {
        let collector = TraceCollector()
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                do {
                    try await collector.run()
                } catch {
                    // Nobody waits for a port that never comes.
                    collector.port.announce(0)
                    throw error
                }
            }
            do {
                let result = try await body(collector)
                collector.stop.finish()
                try await tasks.waitForAll()
                return result
            } catch {
                collector.stop.finish()
                try? await tasks.waitForAll()
                throw error
            }
        }
    }

    private func run() async throws {
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext)
        try await withGRPCServer(transport: transport, services: [self]) { server in
            port.announce(try await server.listeningAddress?.ipv4?.port ?? 0)
            for await _ in stopping {}
        }
    }

    /// What programs are told so that they send their traces here, and soon.
    func environment() async throws -> [String: String] {
        [
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(try await port.value())",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        ]
    }

    func export(
        request: Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest, context: ServerContext
    ) async throws -> Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse {
        var arrived: [CollectedSpan] = []
        for program in request.resourceSpans {
            let name = program.resource.attributes.first { $0.key == "service.name" }?.value.stringValue
            for scope in program.scopeSpans {
                arrived += scope.spans.map { CollectedSpan($0, service: name ?? "unknown") }
            }
        }
        spans.withLock { spans in
            spans += arrived
            spans.removeFirst(max(0, spans.count - Self.maximumSpans))
        }
        return .init()
    }

    /// Among the traces that have reached the cloud's disk by every way, the one that waited longest in the core.
    var mostPatient: TraceTree? {
        let traces = Dictionary(grouping: spans.withLock { $0 }, by: \.trace).values.map { TraceTree($0) }
        return traces.filter(\.isComplete).max { $0.longestWait < $1.longestWait }
    }
}
