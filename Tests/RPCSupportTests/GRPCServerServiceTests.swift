import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import RPCSupport

@Suite struct GRPCServerServiceTests {
    /// In the first moments of a start: before it serves, before it listens, and after.
    @Test(.timeLimit(.minutes(1)), arguments: 0..<40)
    func aServerThatIsToldToStopAtAnyMomentEndsAndWhoWaitsForItsAddressIsAnswered(turn: Int) async throws {
        let server = GRPCServer(
            transport: HTTP2ServerTransport.Posix(
                address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext),
            services: [HealthService(registry: HealthRegistry())])
        let isTold = Mutex(false)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: GRPCServerService(server, onShutdown: { isTold.withLock { $0 = true } }))
                ], logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() })))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { _ = try? await server.listeningAddress }
            for _ in 0..<(turn % 20) { await Task.yield() }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        #expect(isTold.withLock { $0 })
    }

    @Test func aPortThatIsInUseIsAnErrorAndNoWait() async throws {
        func server(_ port: Int) -> GRPCServer<HTTP2ServerTransport.Posix> {
            GRPCServer(
                transport: HTTP2ServerTransport.Posix(
                    address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext),
                services: [])
        }
        let first = server(0)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await GRPCServerService(first).run() }
            let port = try #require(try await first.listeningAddress?.ipv4?.port)
            await #expect(throws: RuntimeError.self) { try await GRPCServerService(server(port)).run() }
            tasks.cancelAll()
        }
    }
}
