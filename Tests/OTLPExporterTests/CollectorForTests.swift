import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Synchronization

/// A collector over a real socket that remembers what came and answers as it is told.
final class CollectorForTests: Opentelemetry_Proto_Collector_Trace_V1_TraceService.ServiceProtocol {
    typealias Request = Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest
    typealias Response = Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse

    private struct State {
        var requests: [Request] = []
        var metadata: [Metadata] = []
        var answers: [Result<Response, RPCError>] = []
    }

    private let state = Mutex(State())

    var requests: [Request] { state.withLock { $0.requests } }
    var metadata: [Metadata] { state.withLock { $0.metadata } }

    /// Names of the spans that were accepted, in the order of their coming.
    var names: [String] {
        requests.flatMap { $0.resourceSpans.flatMap { $0.scopeSpans.flatMap { $0.spans.map(\.name) } } }
    }

    /// The next calls are answered so; those after them well.
    func answer(_ answers: Result<Response, RPCError>...) {
        state.withLock { $0.answers = answers }
    }

    func export(
        request: ServerRequest<Request>, context: ServerContext
    ) async throws -> ServerResponse<Response> {
        let answer = state.withLock { state -> Result<Response, RPCError> in
            state.metadata.append(request.metadata)
            let answer = state.answers.isEmpty ? .success(Response()) : state.answers.removeFirst()
            if case .success = answer { state.requests.append(request.message) }
            return answer
        }
        return ServerResponse(message: try answer.get())
    }

    /// Serves at a port while the body runs; 0 lets the system choose.
    static func serving(
        port: Int = 0, _ body: (CollectorForTests, Int) async throws -> Void
    ) async throws {
        let collector = CollectorForTests()
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext,
            config: .defaults { $0.compression.enabledAlgorithms = [.gzip] })
        try await withGRPCServer(transport: transport, services: [collector]) { server in
            try await body(collector, try await server.listeningAddress!.ipv4!.port)
        }
    }
}
