import Foundation
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// What the cloud knows of the streams of cores, and what it asks them.
@Suite(.timeLimit(.minutes(3))) struct StreamServiceTests {
    typealias Streams = Hedgerow_Stream_V1_StreamService.Client

    private func withFleet(
        _ body:
            @Sendable @escaping (_ cloud: RunningCloud, _ admin: ClientIdentity, _ core: ClientIdentity)
            async throws -> Void
    ) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .core, "d")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.apply(admin, "{kind: Group, name: g, cores: [c], things: [t]}")
            try await body(cloud, admin, core)
        }
    }

    private func status(_ name: String, messages: UInt64 = 1) -> Hedgerow_Stream_V1_StreamStatus {
        .with {
            $0.stream = name
            $0.messages = messages
            $0.exports = [.with { $0.name = "cloud" }]
        }
    }

    private func list(
        _ cloud: RunningCloud, _ admin: ClientIdentity, core: String = "", group: String = "",
        size: UInt32 = 0, token: String = ""
    ) async throws -> Hedgerow_Stream_V1_ListStreamsResponse {
        try await cloud.call(as: admin) { client in
            try await Streams(wrapping: client).listStreams(
                .with {
                    $0.core = core
                    $0.group = group
                    $0.pageSize = size
                    $0.pageToken = token
                })
        }
    }

    private func read(
        _ cloud: RunningCloud, _ admin: ClientIdentity, core: String = "c"
    ) async throws -> Hedgerow_Stream_V1_ReadStreamResponse {
        try await cloud.call(as: admin) { client in
            try await Streams(wrapping: client).readStream(
                .with {
                    $0.core = core
                    $0.stream = "default"
                })
        }
    }

    @Test func whatACoreReportedIsListedAlsoWhileItIsAway() async throws {
        try await withFleet { cloud, admin, identity in
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.welcome()
                core.send(
                    .streamStatuses(.with { $0.streams = [status("default", messages: 7), status("bulk")] }))
                try await eventually("the report is there") {
                    try await list(cloud, admin).streams.count == 2
                }
                let streams = try await list(cloud, admin, core: "c").streams
                #expect(streams.map(\.stream) == ["bulk", "default"])
                #expect(streams.map(\.core) == ["c", "c"])
                #expect(streams[1].messages == 7)
                #expect(streams[1].connected)
                #expect(streams[1].hasReportTime)
                let first = try await list(cloud, admin, group: "g", size: 1)
                #expect(first.streams.map(\.stream) == ["bulk"])
                let second = try await list(cloud, admin, group: "g", size: 1, token: first.nextPageToken)
                #expect(second.streams.map(\.stream) == ["default"])
                #expect(second.nextPageToken.isEmpty)
                let foreign = try await refusal {
                    try await list(cloud, admin, size: 1, token: first.nextPageToken)
                }
                #expect(foreign?.reason == .badPageToken)
                #expect(try await list(cloud, admin, core: "d").streams.isEmpty)
            }
            try await eventually("the core is away") {
                try await list(cloud, admin).streams.first?.connected == false
            }
            let one = try await cloud.call(as: admin) { client in
                try await Streams(wrapping: client).getStream(
                    .with {
                        $0.core = "c"
                        $0.stream = "default"
                    })
            }
            #expect(one.stream.messages == 7)
            let none = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Streams(wrapping: client).getStream(
                        .with {
                            $0.core = "c"
                            $0.stream = "none"
                        })
                }
            }
            #expect(none?.code == .notFound)
        }
    }

    @Test func commandsArePassedOnAndAnswered() async throws {
        try await withFleet { cloud, admin, identity in
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.welcome()
                async let answer = read(cloud, admin)
                let command = try await core.streamCommand()
                guard case .read(let request) = command.command else {
                    Issue.record("\(command)")
                    return
                }
                #expect(request.stream == "default")
                core.send(
                    .streamCommandResult(
                        .with {
                            $0.commandID = command.commandID
                            $0.read.messages = [.with { $0.position.sequence = 5 }]
                        }))
                let page = try await answer
                #expect(page.messages.map(\.position.sequence) == [5])

                async let refused = refusal { try await read(cloud, admin) }
                let second = try await core.streamCommand(skipping: 1)
                core.send(
                    .streamCommandResult(
                        .with {
                            $0.commandID = second.commandID
                            $0.failure.code = 5
                            $0.failure.reason = .notFound
                            $0.failure.message = "no such stream"
                        }))
                let error = try await refused
                #expect(error?.code == .notFound)
                #expect(error?.reason == .notFound)
                #expect(error?.message == "no such stream")
                // Nobody waits for it: it is ignored, and the attachment goes on.
                core.send(.streamCommandResult(.with { $0.commandID = 99 }))

                async let paused = cloud.call(as: admin) { client in
                    try await Streams(wrapping: client).pauseExport(
                        .with {
                            $0.core = "c"
                            $0.stream = "default"
                            $0.export = "cloud"
                        })
                }
                let third = try await core.streamCommand(skipping: 2)
                #expect(third.pause.export == "cloud")
                core.send(
                    .streamCommandResult(
                        .with {
                            $0.commandID = third.commandID
                            $0.pause.export.paused = true
                        }))
                let pausing = try await paused
                #expect(pausing.export.paused)
            }
        }
    }

    @Test func aCoreThatIsAwayIsSaidToBeSoAndSinceWhen() async throws {
        try await withFleet { cloud, admin, identity in
            let never = try await refusal { try await read(cloud, admin) }
            #expect(never?.code == .unavailable)
            #expect(never?.reason == .coreAway)
            #expect(never?.message.contains("was never attached") == true)
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.welcome()
                async let answer = refusal { try await read(cloud, admin) }
                _ = try await core.streamCommand()
                core.hangUp()
                let error = try await answer
                #expect(error?.reason == .coreAway)
                #expect(error?.message.contains("went away") == true)
            }
            try await eventually("the core is away") { !cloud.server.context.hub.isAttached("c") }
            let away = try await refusal { try await read(cloud, admin) }
            #expect(away?.reason == .coreAway)
            #expect(away?.message.contains("has been away since 20") == true, "\(away?.message ?? "")")
            let thing = try await refusal { try await read(cloud, admin, core: "t") }
            #expect(thing?.code == .notFound)
            #expect(thing?.message.contains("is a thing") == true)
        }
    }

    @Test func requestsAndReportsAreHeldToTheirLimits() async throws {
        try await withFleet { cloud, admin, identity in
            let wrong = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Streams(wrapping: client).readStream(
                        .with {
                            $0.core = "c"
                            $0.stream = "a b"
                            $0.pageSize = 1_001
                            $0.wait = Google_Protobuf_Duration(seconds: 11)
                            $0.position.epoch = Data([1])
                        })
                }
            }
            #expect(wrong?.violations.map(\.field) == ["stream", "page_size", "wait", "position.epoch"])
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.welcome()
                core.send(
                    .streamStatuses(
                        .with {
                            $0.streams = (0...StreamStatusBoard.maximumStreams).map { status("s\($0)") }
                        }))
                #expect(try await core.endReason().reason == .invalidField)
            }
        }
    }

    @Test func onlyOperatorsMayLook() async throws {
        try await withFleet { cloud, admin, identity in
            let core = try await refusal { try await list(cloud, identity) }
            #expect(core?.reason == .roleNotAllowed)
            let thing = try await cloud.register(admin, .thing, "u")
            let error = try await refusal { try await read(cloud, thing) }
            #expect(error?.reason == .roleNotAllowed)
        }
    }

    @Test func atMostSixteenCommandsAreUnderWay() async throws {
        let commands = StreamCommands(core: "c")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<StreamCommands.maximum {
                group.addTask {
                    _ = try await commands.run(.init(), limit: .seconds(60), time: .system) {}
                }
            }
            var sent: [StreamCommands.Command] = []
            try await eventually("all are under way") {
                sent += commands.takeOutgoing()
                return sent.count == StreamCommands.maximum
            }
            await #expect {
                _ = try await commands.run(.init(), limit: .seconds(60), time: .system) {}
            } throws: {
                ($0 as? HedgerowError)?.reason == .tooManyCalls
            }
            for command in sent { #expect(commands.receive(.with { $0.commandID = command.commandID })) }
            try await group.waitForAll()
            #expect(!commands.receive(.with { $0.commandID = 1 }), "it was answered already")
            await #expect {
                _ = try await commands.run(.init(), limit: .milliseconds(1), time: .system) {}
            } throws: {
                ($0 as? HedgerowError)?.code == .deadlineExceeded
            }
            #expect(commands.takeOutgoing().isEmpty, "what nobody waits for is not sent")
        }
    }
}
