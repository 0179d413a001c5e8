import GRPCCore
import HedgerowAPI
import Identity
import TestSupport
import Testing

@testable import RPCSupport

@Suite(.timeLimit(.minutes(5))) struct CallDeadlineTests {
    let pki: TestPKI

    init() throws { pki = try TestPKI() }

    /// A service that goes on until its call is over.
    func endless() -> ServerSetup {
        var setup = ServerSetup(pki: pki)
        setup.telemetry.onSubscribe = { context, _ in
            try await untilCancelled(context) { try await Task.sleep(for: .seconds(600)) }
        }
        return setup
    }

    func subscribe(
        _ client: GRPCClient<some ClientTransport>, metadata: Metadata, options: CallOptions = .defaults
    ) async -> RPCError? {
        await failure {
            try await Telemetry.Client(wrapping: client).subscribe(metadata: metadata, options: options) {
                _ in
            } onResponse: { response in
                for try await _ in response.messages {}
            }
        }
    }

    @Test func theServerItselfEndsACallAtItsDeadlineAndSaysSo() async throws {
        try await withServer(endless()) { server in
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                // Only the server is told, so that what comes is its word.
                let error = await subscribe(client, metadata: ["grpc-timeout": "300m"])
                #expect(error?.code == .deadlineExceeded)
                #expect(reason(error) == nil)
                let isOver = try await eventually { server.calls.count == 0 }
                #expect(isOver)
            }
        }
    }

    @Test func aShutdownIsNotTakenForTheDeadline() async throws {
        try await withServer(endless()) { server in
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                async let error = subscribe(client, metadata: ["grpc-timeout": "1H"])
                let isOpen = try await eventually { server.calls.count == 1 }
                #expect(isOpen)
                server.shutDown()
                let told = await error
                #expect(reason(told) == .shuttingDown)
            }
        }
    }

    @Test func aCallThatIsCutOffAtItsDeadlineSaysWhy() async throws {
        try await withServer(endless()) { server in
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                async let error = subscribe(client, metadata: ["grpc-timeout": "20S"])
                let isOpen = try await eventually { server.calls.count == 1 }
                #expect(isOpen)
                server.calls.cancel(try Principal(role: .thing, name: "bme680-1"))
                let told = await error
                #expect(reason(told) == .revoked)
            }
        }
    }

    @Test(arguments: [
        ("8H", Duration.seconds(28_800)), ("90M", .seconds(5_400)), ("5S", .seconds(5)),
        ("300m", .milliseconds(300)), ("7u", .microseconds(7)), ("99999999n", .nanoseconds(99_999_999)),
    ])
    func timeoutsAreRead(_ text: String, _ wanted: Duration) {
        #expect(CallDeadline.duration(text) == wanted)
    }

    @Test(arguments: ["", "S", "5", "5s", "-5S", "123456789S", "5.0S", "five"])
    func whatIsNoTimeoutIsNone(_ text: String) {
        #expect(CallDeadline.duration(text) == nil)
    }
}
