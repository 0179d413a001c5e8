import Foundation
import Identity
import NIOCore
import NIOPosix
import PKI
import TestSupport
import Testing

@testable import RPCSupport

@Suite("A line that ends in the middle of TLS")
struct SilentEndTests {
    /// Takes a connection and closes it as soon as the client has said something, with a reset where asked.
    final class HangUp: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let resets: Bool

        init(resets: Bool) { self.resets = resets }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if resets {
                // A linger of no time makes the close a reset.
                let set = (context.channel as? any SocketOptionProvider)?.setSoLinger(
                    linger(l_onoff: 1, l_linger: 0))
                set?.whenFailure { Issue.record("no linger: \($0)") }
            }
            context.close(promise: nil)
        }
    }

    @Test(arguments: [true, false])
    func isNoRefusedCertificate(resets: Bool) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.pipeline.addHandler(HangUp(resets: resets)) }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        let pki = try TestPKI()
        let probe = HealthProbe(
            endpoint: NetworkEndpoint(host: "127.0.0.1", port: port), serverName: CloudIdentity.serverName,
            identity: try pki.client(.operator, "ann"), verifier: pki.cloudVerifier())
        do throws(CallerError) {
            _ = try await probe.ask(within: .seconds(10))
            Issue.record("nobody is there to answer")
        } catch {
            #expect(error.kind == .unreachable, "\(error)")
        }
        try await channel.close()
    }
}
