import GRPCCore
import HedgerowAPI
import Identity
import NIOCore
import NIOPosix
import PKI
import TestSupport
import Testing

@testable import RPCSupport

@Suite("A line that is dead from the beginning")
struct SilentHandshakeTests {
    /// As where a router takes the connection and passes nothing on: the call has no deadline, and must not wait for
    /// ever.
    @Test(.timeLimit(.minutes(1))) func isGivenUp() async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        let pki = try TestPKI()
        let transport = try ClientTransports.make(
            endpoint: NetworkEndpoint(host: "127.0.0.1", port: port), serverName: CloudIdentity.serverName,
            identity: try pki.client(.core, "core-1"), verifier: pki.cloudVerifier(),
            refusals: PeerRefusals(side: "client", logger: nil), silence: .milliseconds(300))
        let client = GRPCClient(transport: transport)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await GRPCClientService(client).run() }
            let error = await failure {
                try await TelemetryService.Client(wrapping: client).publish { writer in
                    try await writer.write(PublishRequest())
                } onResponse: { response in
                    for try await _ in response.messages {}
                }
            }
            #expect(error?.code == .unavailable, "\(String(describing: error))")
            group.cancelAll()
        }
        try await channel.close()
    }
}
