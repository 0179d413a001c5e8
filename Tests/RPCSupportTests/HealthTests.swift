import GRPCCore
import HedgerowAPI
import Identity
import TestSupport
import Testing

@testable import RPCSupport

@Suite(.timeLimit(.minutes(5))) struct HealthTests {
    let pki: TestPKI

    init() throws { pki = try TestPKI() }

    func request(_ service: String) -> Grpc_Health_V1_HealthCheckRequest {
        var request = Grpc_Health_V1_HealthCheckRequest()
        request.service = service
        return request
    }

    @Test func checkingSaysTheStatusAndKnowsOnlyWhatItKnows() async throws {
        try await withServer(ServerSetup(pki: pki)) { server in
            try await withClient(pki, pki.client(.app, "dashboard"), port: server.port) { client in
                let health = Health.Client(wrapping: client)
                let status0 = try await health.check(request(""), options: soon).status
                #expect(status0 == .notServing)
                server.health.set(.serving)
                server.health.set(.notServing, for: "a.B")
                let status1 = try await health.check(request(""), options: soon).status
                #expect(status1 == .serving)
                let status2 = try await health.check(request("a.B"), options: soon).status
                #expect(status2 == .notServing)
                let error = await failure { _ = try await health.check(request("a.C"), options: soon) }
                #expect(error?.code == .notFound)
            }
        }
    }

    @Test func listingSaysEveryStatusAtOnce() async throws {
        try await withServer(ServerSetup(pki: pki)) { server in
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                server.health.set(.serving)
                server.health.set(.notServing, for: "a.B")
                let list = try await Health.Client(wrapping: client).list(.init(), options: soon)
                #expect(list.statuses.mapValues(\.status) == ["": .serving, "a.B": .notServing])
            }
        }
    }

    @Test func watchingSaysTheStatusNowAndEveryChangeUntilTheServerEnds() async throws {
        try await withServer(ServerSetup(pki: pki)) { server in
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                let statuses = try await Health.Client(wrapping: client).watch(
                    request("later"), options: soon
                ) {
                    response in
                    var seen: [Grpc_Health_V1_HealthCheckResponse.ServingStatus] = []
                    do {
                        for try await message in response.messages {
                            seen.append(message.status)
                            switch seen.count {
                            case 1:
                                server.health.set(.serving)
                                server.health.set(.serving, for: "later")
                            case 2: server.health.set(.notServing, for: "later")
                            case 3: server.health.set(.serving, for: "later")
                            case 4: server.health.shutDown()
                            default:
                                server.health.set(.serving, for: "later")
                                server.shutDown()
                            }
                        }
                    } catch let error as RPCError {
                        #expect(reason(error) == .shuttingDown)
                    }
                    return seen
                }
                #expect(statuses == [.serviceUnknown, .serving, .notServing, .serving, .notServing])
            }
        }
    }

    @Test func watchersThatWentAwayAreForgotten() async throws {
        try await withServer(ServerSetup(pki: pki)) { server in
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                try await Health.Client(wrapping: client).watch(request(""), options: soon) { response in
                    for try await _ in response.messages { break }
                }
            }
            #expect(try await eventually { server.health.watcherCount == 0 })
            #expect(try await eventually { server.calls.count == 0 })
        }
    }
}
