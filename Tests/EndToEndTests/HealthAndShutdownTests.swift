import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@Suite("Health and shutdown", .timeLimit(.minutes(3)))
struct HealthAndShutdownTests {
    private typealias Health = Grpc_Health_V1_Health
    private typealias Status = Grpc_Health_V1_HealthCheckResponse.ServingStatus

    /// Watches until the server ends the stream.
    private static func watch(_ client: Fleet.Client, _ seen: Shared<[Status]>) async {
        try? await Health.Client(wrapping: client).watch(.init()) { response in
            for try await message in response.messages { seen.change { $0.append(message.status) } }
        }
    }

    @Test("Cloud and core say that they serve, and to those who watch that they stop")
    func watches() async throws {
        try await withFleet { fleet in
            let thing = try await fleet.identity(.thing, "thing-1")
            for server in [Fleet.Server.core("core-1"), .cloud] {
                try await fleet.connect(to: server, as: thing) { client in
                    let health = Health.Client(wrapping: client)
                    #expect(try await health.check(.init()).status == .serving, "\(server)")
                    let telemetry = TelemetryService.descriptor.fullyQualifiedService
                    #expect(try await health.check(.with { $0.service = telemetry }).status == .serving)
                    let unknown = try await expectRefusal {
                        try await health.check(.with { $0.service = "nobody" })
                    }
                    #expect(unknown.code == .notFound)

                    let seen = Shared<[Status]>([])
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { await Self.watch(client, seen) }
                        try await eventually("the watch has begun") { seen.value == [.serving] }
                        switch server {
                        case .cloud: try await fleet.stopCloud()
                        case .core(let name): try await fleet.stopCore(name)
                        }
                        try await group.waitForAll()
                        #expect(seen.value.first == .serving)
                        #expect(seen.value.last == .notServing, "\(server)")
                    }
                }
            }
        }
    }

    @Test("A shutdown ends every open stream and takes less than 10 seconds")
    func shutdown() async throws {
        let group = """
            kind: Group
            name: hall
            cores: [core-1]
            things: [thing-1]
            subscriptions:
              - {from: "thing:*", topic: "#", to: cloud}
              - {from: cloud, topic: cmd/#, to: thing:thing-1}
            """
        try await withFleet(groups: [group]) { fleet in
            let thing = try await fleet.identity(.thing, "thing-1")
            for server in [Fleet.Server.core("core-1"), .cloud] {
                try await fleet.connect(to: server, as: thing) { client in
                    try await withPublisher(client) { publisher in
                        try await withSubscriber(client, ["#"], atLeastOnce: true) { subscriber in
                            let seen = Shared<[Status]>([])
                            try await withThrowingTaskGroup(of: Void.self) { group in
                                group.addTask { await Self.watch(client, seen) }
                                try await publisher.open()
                                publisher.publish(.plain(1, "hall/a", ["value": 1]))
                                try await publisher.acknowledged(through: 1)
                                try await eventually("the watch has begun") { !seen.value.isEmpty }
                                let time: Duration
                                switch server {
                                case .cloud: time = try await fleet.stopCloud()
                                case .core(let name): time = try await fleet.stopCore(name)
                                }
                                #expect(time < .seconds(10), "\(server)")
                                try await eventually("both streams have ended") {
                                    publisher.end != nil && subscriber.end != nil
                                }
                                try await group.waitForAll()
                            }
                        }
                    }
                }
            }
        }
    }
}
