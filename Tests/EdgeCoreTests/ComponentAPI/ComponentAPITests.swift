import Components
import Foundation
import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

/// What programs can ask of the core beside their inbox.
@Suite("Programs call the core", .timeLimit(.minutes(5))) struct ComponentAPITests {
    private static let routes = [
        ("thing:a", "t/#", "component:p", ""), ("component:p", "out/#", "cloud", ""),
        ("component:p", "kept/#", "stream:kept", ""),
    ]
    private static let streams = [("kept", UInt64(65_536), false)]

    private func message(_ topic: String, _ number: Int64) -> PlainMessage {
        .with {
            $0.topic = topic
            $0.reading.values = ["n": .with { $0.integerValue = number }]
        }
    }

    private func refusal(
        _ body: () async throws -> Void
    ) async throws -> (code: RPCError.Code, reason: ErrorReason?, message: String) {
        let error = try await #require(throws: RPCError.self) { try await body() }
        return (error.code, HedgerowError(error)?.reason, error.message)
    }

    @Test("with a token that is good as long as they run") func tokens() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")], streams: Self.streams)
            let (token, caller) = api.tokens.issue(for: try api.component("p"))
            try await api.withClient { client in
                let service = ComponentAPIFixture.Service.Client(wrapping: client)
                func ask(_ metadata: Metadata) async throws -> String {
                    try await service.getComponent(.init(), metadata: metadata).instance
                }
                #expect(try await ask(["authorization": "Bearer \(token)"]) == "p")
                for metadata: Metadata in [
                    [:], ["authorization": "Bearer x"], ["authorization": "\(token)"],
                ] {
                    let refused = try await refusal { _ = try await ask(metadata) }
                    #expect(refused.code == .unauthenticated && refused.reason == .noIdentity)
                    #expect(!refused.message.contains(token))
                }
                api.tokens.withdraw(caller)
                let refused = try await refusal { _ = try await ask(["authorization": "Bearer \(token)"]) }
                #expect(refused.reason == .noIdentity)
            }
        }
    }

    @Test("what they are and run with, and each change of it") func configuration() async throws {
        try await ComponentAPIFixture.with { api in
            let component = try program("p") {
                $0.handlerTimeout = .seconds(7)
                $0.secrets = ["key"]
                $0.health = HealthCheck(.report, interval: .seconds(5), failures: 3)
            }
            try await api.run(Self.routes, [component], streams: Self.streams)
            api.desk.change(
                ComponentSituation(
                    configuration: [
                        "limits": .object(["high": .double(80.5)]), "names": .list([.string("x")]),
                    ],
                    group: "hall", revision: 3))
            try await api.asProgram(of: "p") { client, metadata in
                let found = try await client.getComponent(.init(), metadata: metadata)
                #expect(found.instance == "p" && found.version == "1.0.0" && found.core == "pi-1")
                #expect(found.group == "hall" && found.revision == 3 && found.secrets == ["key"])
                #expect(found.handlerTimeout.seconds == 7 && found.healthInterval.seconds == 5)
                let limits = try #require(found.configuration.fields["limits"]?.structValue)
                #expect(limits.fields["high"]?.numberValue == 80.5)
                try await client.watchConfiguration(.init(), metadata: metadata) { response in
                    var revisions: [UInt64] = []
                    for try await change in response.messages {
                        revisions.append(change.revision)
                        if revisions.count == 2 { break }
                        api.desk.change(
                            ComponentSituation(
                                configuration: ["high": .int(9)], group: "hall", revision: 4))
                    }
                    #expect(revisions == [3, 4])
                }
            }
        }
    }

    @Test("publish by themselves, each message once however often they say it") func publish() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")], streams: Self.streams)
            let epoch = Data(repeating: 7, count: 16)
            try await api.asProgram(of: "p") { client, metadata in
                func publish(_ first: UInt64, _ messages: [PlainMessage]) async throws -> UInt32 {
                    try await client.publish(
                        .with {
                            $0.epoch = epoch
                            $0.firstSequence = first
                            $0.messages = messages
                        }, metadata: metadata
                    ).unrouted
                }
                #expect(try await publish(1, [message("out/x", 1), message("out/y", 2)]) == 0)
                // As where the answer was lost.
                #expect(
                    try await publish(1, [message("out/x", 1), message("out/y", 2), message("no/where", 3)])
                        == 1)
                #expect(try await publish(4, [message("kept/x", 4)]) == 0)
                let gap = try await refusal { _ = try await publish(9, [message("out/x", 9)]) }
                #expect(gap.code == .failedPrecondition && gap.reason == .sequenceGap)
                let wrong = try await refusal { _ = try await publish(5, [message("out/#", 5)]) }
                #expect(wrong.code == .invalidArgument && wrong.reason == .topicNotAllowed)
                #expect(wrong.message.contains("messages[0]"))
                #expect(try await publish(5, [message("out/x", 5)]) == 0)
            }
            var contents = try await api.core.drained()
            try await api.core.drain("kept", into: &contents)
            #expect(
                contents.rows(of: "p#0").sorted() == [
                    "1 out/x n=1", "2 out/y n=2", "4 kept/x n=4", "5 out/x n=5",
                ])
            #expect(contents.overlaps.isEmpty)
            #expect(contents.derived.allSatisfy { $0.origin.key.thing == "pi-1" })
            let key = OriginKey(thing: "pi-1", epoch: try #require(Epoch(epoch)), component: "p#0")
            #expect(contents.covered[key]?.missing(from: range(1, 5)) == [])
        }
    }

    @Test("wait where a stream that takes nothing new is full, with nothing half stored") func full()
        async throws
    {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")], streams: Self.streams)
            let large = PlainMessage.with {
                $0.topic = "kept/x"
                $0.payload.data = Data(count: 40_000)
            }
            try await api.asProgram(of: "p") { client, metadata in
                let request = Hedgerow_Component_V1_PublishRequest.with {
                    $0.epoch = Data(repeating: 7, count: 16)
                    $0.firstSequence = 1
                    $0.messages = [large, large]
                }
                let refused = try await refusal { _ = try await client.publish(request, metadata: metadata) }
                #expect(refused.code == .resourceExhausted && refused.reason == .queueFull)
                #expect(try await api.core.contents("kept").isEmpty)
                var one = request
                one.messages = [large]
                _ = try await client.publish(one, metadata: metadata)
                #expect(try await api.core.contents("kept").count == 1)
            }
        }
    }

    @Test("read the streams that they may write, and no other") func streams() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")], streams: Self.streams)
            try await api.asProgram(of: "p") { client, metadata in
                _ = try await client.publish(
                    .with {
                        $0.epoch = Data(repeating: 7, count: 16)
                        $0.firstSequence = 1
                        $0.messages = [message("kept/x", 1), message("kept/x", 2)]
                    }, metadata: metadata)
                let read = try await client.readStream(
                    .with { $0.read.stream = "kept" }, metadata: metadata
                ).read
                #expect(read.messages.map { $0.record.message.reading.values["n"]?.integerValue } == [1, 2])
                #expect(read.end)
                let refused = try await refusal {
                    _ = try await client.readStream(
                        .with { $0.read.stream = "other" }, metadata: metadata)
                }
                #expect(refused.code == .permissionDenied && refused.reason == .notYourResource)
            }
        }
    }

    @Test("get the secrets that their recipe asks for, and no other") func secrets() async throws {
        try await ComponentAPIFixture.with { api in
            let component = try program("p") { $0.secrets = ["key", "absent"] }
            try await api.run(Self.routes, [component], streams: Self.streams)
            api.desk.state.withLock { $0.secrets = ["key": Array("s3".utf8), "other": [1]] }
            try await api.asProgram(of: "p") { client, metadata in
                let found = try await client.getSecret(.with { $0.name = "key" }, metadata: metadata)
                #expect(found.value == Data("s3".utf8))
                for (name, reason) in [("other", ErrorReason.notYourResource), ("absent", .notFound)] {
                    let refused = try await refusal {
                        _ = try await client.getSecret(.with { $0.name = name }, metadata: metadata)
                    }
                    #expect(refused.reason == reason)
                }
            }
        }
    }
}
