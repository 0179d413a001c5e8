public import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
public import Observability
public import ServiceLifecycle

/// Serves a program's metrics over plain HTTP/1.1: `GET /metrics`, one request a connection.
///
/// Whoever reaches the address may read them, so that it is best a loopback one. A connection is closed after its
/// answer, after ``deadline``, and at once above ``maximumConnections``.
public struct MetricsListener: Service {
    /// Most connections at once; further ones are closed.
    public static let maximumConnections = 8
    /// How long a connection may last.
    public static let deadline = Duration.seconds(10)

    private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    private let metrics: ProgramMetrics
    private let logger: Logger
    private let port = Announced<Int>()

    /// Makes a listener.
    public init(_ metrics: ProgramMetrics, logger: Logger) {
        self.metrics = metrics
        self.logger = logger
    }

    /// The listener as a part of a program; nothing where metrics are off.
    public static func services(
        _ metrics: ProgramMetrics?, logger: Logger
    ) -> [ServiceGroupConfiguration.ServiceConfiguration] {
        metrics.map { [.init(service: MetricsListener($0, logger: logger))] } ?? []
    }

    /// The port that it listens at; waits until it does.
    public func listeningPort() async throws -> Int { try await port.value() }

    /// Serves until it is told to stop. An address that cannot be listened at is logged, and ends nothing else.
    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            do {
                try await serve()
            } catch {
                if Task.isCancelled { return }
                logger.error(
                    "metrics cannot be served; the program goes on without them",
                    metadata: ["metrics.listen": "\(metrics.listen)", "error.message": "\(error)"])
            }
            // A service that ends would end the program.
            while !Task.isCancelled { try await Task.sleep(for: .seconds(86_400)) }
        }
    }

    private func serve() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 16)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { [logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ListenerGuard(logger: logger), position: .first)
                }
            }
            .bind(host: metrics.listen.host, port: metrics.listen.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withPipeliningAssistance: false)
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        let bound = server.channel.localAddress?.port ?? metrics.listen.port
        logger.info(
            "metrics are served", metadata: ["metrics.listen": "\(metrics.listen)", "port": "\(bound)"])
        port.announce(bound)
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                let open = OpenCount()
                for try await connection in connections {
                    guard open.enter(limit: Self.maximumConnections) else {
                        try? await connection.executeThenClose { _, _ in }
                        continue
                    }
                    group.addTask {
                        defer { open.leave() }
                        await serve(connection)
                    }
                }
            }
        }
    }

    /// Answers one request, within the deadline.
    private func serve(_ connection: Connection) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // A client that goes away in the middle is no news.
                try? await connection.executeThenClose { inbound, outbound in
                    for try await part in inbound {
                        guard case .head(let head) = part else { continue }
                        try await answer(head, outbound)
                        return
                    }
                }
            }
            group.addTask {
                try? await Task.sleep(for: Self.deadline)
                connection.channel.close(promise: nil)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func answer(
        _ head: HTTPRequestHead, _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        let path = head.uri.prefix { $0 != "?" }
        guard path == "/metrics" else {
            return try await write(
                .notFound, "There is only /metrics here.\n", to: outbound, method: head.method)
        }
        guard head.method == .GET || head.method == .HEAD else {
            return try await write(
                .methodNotAllowed, "Use GET.\n", to: outbound, method: head.method,
                further: ("allow", "GET, HEAD"))
        }
        let format = MetricsFormat(accept: head.headers["accept"].joined(separator: ","))
        try await write(
            .ok, await metrics.registry.text(format), type: format.contentType, to: outbound,
            method: head.method)
    }

    private func write(
        _ status: HTTPResponseStatus, _ text: String, type: String = "text/plain; charset=utf-8",
        to outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>, method: HTTPMethod,
        further: (String, String)? = nil
    ) async throws {
        let body = ByteBuffer(string: text)
        var headers: HTTPHeaders = [
            "content-type": type, "content-length": "\(body.readableBytes)", "connection": "close",
        ]
        if let further { headers.add(name: further.0, value: further.1) }
        try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
        if method != .HEAD { try await outbound.write(.body(.byteBuffer(body))) }
        try await outbound.write(.end(nil))
    }
}
