import Logging
import Metrics
import NIOCore
import NIOPosix
import Observability
import RPCSupport
import Testing

@Suite("The listener for metrics", .timeLimit(.minutes(2)))
struct MetricsListenerTests {
    /// Runs a listener while `body` runs, which gets a function that sends bytes and returns the whole answer.
    func serving(
        _ body: @Sendable (MetricsRegistry, @Sendable (String) async throws -> String) async throws -> Void
    ) async throws {
        let address = try #require(MetricsAddress("127.0.0.1:0"))
        let metrics = ProgramMetrics(listen: address, registry: MetricsRegistry())
        let listener = MetricsListener(
            metrics, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            let port = try await listener.listeningPort()
            try await body(metrics.registry) { try await Self.ask(port, $0) }
            group.cancelAll()
        }
    }

    static func ask(_ port: Int, _ request: String) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var answer = ""
            for try await buffer in inbound { answer += String(buffer: buffer) }
            return answer
        }
    }

    @Test("answers GET /metrics with what is recorded, and closes")
    func get() async throws {
        try await serving { registry, ask in
            Counter(label: "asked", factory: PrometheusFactory(registry)).increment(by: 3)
            let answer = try await ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(answer.contains("\nasked_total 3\n"))
            let open = try await ask(
                "GET /metrics?x=y HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n")
            #expect(open.contains("content-type: application/openmetrics-text"))
            #expect(open.hasSuffix("# EOF\n"))
        }
    }

    @Test("answers HEAD without a body, and nothing else than GET and HEAD of /metrics")
    func others() async throws {
        try await serving { _, ask in
            let head = try await ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(head.hasSuffix("\r\n\r\n"))
            let post = try await ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            #expect(post.hasPrefix("HTTP/1.1 405 "))
            #expect(post.contains("allow: GET, HEAD\r\n"))
            let other = try await ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(other.hasPrefix("HTTP/1.1 404 "))
        }
    }

    @Test("survives what is no HTTP")
    func garbage() async throws {
        try await serving { _, ask in
            _ = try? await ask("\u{16}\u{3}\u{1} no HTTP at all\r\n\r\n")
            let answer = try await ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test("goes on without metrics where the port is taken")
    func taken() async throws {
        let holder = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(holder.localAddress?.port)
        let address = try #require(MetricsAddress("127.0.0.1:\(port)"))
        let listener = MetricsListener(
            ProgramMetrics(listen: address, registry: MetricsRegistry()),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await listener.run()
                return !Task.isCancelled
            }
            group.addTask {
                try await Task.sleep(for: .milliseconds(300))
                return false
            }
            let ended = try await group.next()
            #expect(ended == false, "the service ended by itself")
            group.cancelAll()
        }
        try await holder.close()
    }
}
