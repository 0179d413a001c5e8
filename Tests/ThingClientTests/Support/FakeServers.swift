import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import PKI
import Synchronization
import Testing

@testable import ThingClient

/// Plain sockets instead of TLS, and addresses that a test chooses.
final class FakeNetwork: ThingNetwork {
    private let list: Mutex<[ServerTarget]>
    private let refreshes = Mutex(0)

    init(_ targets: [ServerTarget]) {
        list = Mutex(targets)
    }

    var refreshCount: Int { refreshes.withLock { $0 } }

    func set(_ targets: [ServerTarget]) {
        list.withLock { $0 = targets }
    }

    func prepare(report: @Sendable (ThingEvent) -> Void) async throws {}

    func targets(refresh: Bool, report: @Sendable (ThingEvent) -> Void) async throws -> [ServerTarget] {
        if refresh { refreshes.withLock { $0 += 1 } }
        return list.withLock { $0 }
    }

    func link(to target: ServerTarget) async throws -> ServerLink {
        ServerLink(
            transport: try HTTP2ClientTransport.Posix(
                target: .ipv4(address: target.endpoint.host, port: target.endpoint.port),
                transportSecurity: .plaintext),
            endpoint: target.endpoint)
    }

    func maintain(report: @Sendable (ThingEvent) -> Void) async throws {
        try await Task.sleep(for: .seconds(3_600))
    }
}

/// One fake core on a port of its own.
struct FakeServer: Sendable {
    let service: FakeTelemetryService
    let shadows: FakeShadowService
    let target: ServerTarget
    private let server: GRPCServer<HTTP2ServerTransport.Posix>

    /// Runs so many servers for as long as the body runs.
    static func run<R: Sendable>(
        _ count: Int, _ body: @Sendable ([FakeServer]) async throws -> R
    ) async throws -> R {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var servers: [FakeServer] = []
            for index in 0..<count {
                let service = FakeTelemetryService(name: "core-\(index)")
                let transport = HTTP2ServerTransport.Posix(
                    address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext,
                    config: .defaults { $0.connection.maxGraceTime = .milliseconds(100) })
                let shadows = FakeShadowService(name: service.name)
                let server = GRPCServer(transport: transport, services: [service, shadows])
                group.addTask { try await server.serve() }
                let address = try await transport.listeningAddress
                let port = try #require(address.ipv4?.port)
                servers.append(
                    FakeServer(
                        service: service, shadows: shadows,
                        target: ServerTarget(
                            core: service.name, endpoint: NetworkEndpoint(host: "127.0.0.1", port: port),
                            serverName: service.name, spiffeID: "", roots: []),
                        server: server))
            }
            let result = try await body(servers)
            for server in servers { server.stop() }
            try await group.waitForAll()
            return result
        }
    }

    /// Takes it off the network.
    func stop() {
        server.beginGracefulShutdown()
    }
}

/// Collects what a thing reports.
final class EventLog: Sendable {
    private let list = Mutex<[ThingEvent]>([])

    var all: [ThingEvent] { list.withLock { $0 } }

    func add(_ event: ThingEvent) {
        list.withLock { $0.append(event) }
    }

    /// The acknowledged sequences, in the order in which they were reported.
    var acknowledged: [UInt64] {
        all.flatMap { event -> [UInt64] in
            if case .acknowledged(_, let range) = event { Array(range) } else { [] }
        }
    }
}
