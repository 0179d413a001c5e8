import Components
import Foundation
import GRDB
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Messaging
import RPCSupport
import ShadowStore
import Shadows
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import Transforms

@testable import EdgeCore

/// The `ShadowService` on the socket for programs.
@Suite("Programs use the shadows that recipe and group let them use", .timeLimit(.minutes(5)))
struct ComponentShadowTests {
    private typealias Client = Hedgerow_Shadow_V1_ShadowService.Client<HTTP2ClientTransport.Posix>

    /// A core that runs a program, whose instance may use the shadows of some things.
    private static func with(
        _ access: Transforms.ShadowAccess?, shadows: [String] = ["a"],
        home: String? = nil,
        _ body: @escaping @Sendable (ComponentAPIFixture, String) async throws -> Void
    ) async throws {
        try await ComponentAPIFixture.with { api in
            var group = revision([("shadow", "$aws/things/a/shadow/update/delta", "component:p", "")])
            group.components = [
                .with {
                    $0.name = "p"
                    $0.version = "1.0.0"
                    $0.shadows = shadows
                }
            ]
            if let home {
                group.cores = [home, "pi-1"]
                group.shadows = .with {
                    $0.sync = [.with { $0.things = "*" }]
                    $0.home = home
                }
            }
            let component = RunningComponent(
                LockedComponent(
                    instance: "p", component: "p", version: try SemanticVersion(parsing: "1.0.0"),
                    recipeDigest: []), state: .process(ProcessDefinition(start: .run(.arguments(["true"])))),
                recipe: .init(
                    dependencies: [], configuration: RecipeConfiguration(),
                    access: ComponentAccess(shadows: access)))
            let change = try api.core.parts.revision.switching(
                to: StagedRevision(group, components: [component]), deploymentID: "d-1", isSettled: true,
                alongside: { _ in })
            try await api.core.pool.write(change)
            let (token, caller) = api.tokens.issue(for: component)
            defer { api.tokens.withdraw(caller) }
            try await body(api, token)
        }
    }

    private static func update(
        _ api: ComponentAPIFixture, _ token: String, thing: String = "a", _ document: String
    ) async throws -> Hedgerow_Shadow_V1_UpdateShadowResponse {
        try await api.withClient { client in
            try await Client(wrapping: client).updateShadow(
                .with {
                    $0.thing = thing
                    $0.document = document
                }, metadata: ["authorization": "Bearer \(token)"])
        }
    }

    @Test("it updates, reads, follows and gets deltas") func uses() async throws {
        try await Self.with(.write) { api, token in
            let metadata: Metadata = ["authorization": "Bearer \(token)"]
            let updated = try await Self.update(
                api, token, #"{"state": {"desired": {"fan": true}, "reported": {"t": 21.5}}}"#)
            #expect(updated.version == 1 && updated.delta.contains(#""fan":true"#))
            let document = try await api.withClient { client in
                try await Client(wrapping: client).getShadow(.with { $0.thing = "a" }, metadata: metadata)
            }
            #expect(document.document.contains(#""t":21.5"#))
            let history = try await api.withClient { client in
                try await Client(wrapping: client).listShadowHistory(
                    .with { $0.thing = "a" }, metadata: metadata)
            }
            #expect(history.entries.map(\.author) == ["component:p"])
            // The delta waits for the program, for a subscription leads it there.
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(1)
                let message = try #require(receiver.events.first?.record.message)
                #expect(message.topic == "$aws/things/a/shadow/update/delta")
                #expect(message.payload.contentType == "application/json")
            }
            let seen = Follower()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try? await seen.follow(api, metadata) }
                try await eventually("the document") { seen.kinds.first == .current }
                _ = try await Self.update(api, token, #"{"state": {"reported": {"fan": true}}}"#)
                try await eventually("the update") { seen.kinds.contains(.documents) }
                group.cancelAll()
            }
        }
    }

    @Test("what recipe or group do not let it use is refused, with what to write") func refused() async throws
    {
        #expect(try await Self.refusal(nil, ["a"]).contains("access: {shadows: write}"))
        #expect(try await Self.refusal(.read, ["a"]).contains("access: {shadows: write}"))
        #expect(try await Self.refusal(.write, []).contains("shadows: at the instance"))
        #expect(try await Self.refusal(.write, ["a"], thing: "b").contains("shadows: at the instance"))
        #expect(try await Self.refusal(.write, ["*"], thing: "nobody").contains("shadows: at the instance"))
    }

    private static func refusal(
        _ access: Transforms.ShadowAccess?, _ shadows: [String], thing: String = "a"
    ) async throws -> String {
        let text = Slot<String>()
        try await Self.with(access, shadows: shadows) { api, token in
            let error = await #expect(throws: RPCError.self) {
                try await Self.update(api, token, thing: thing, #"{"state": {"reported": {"t": 1}}}"#)
            }
            #expect(error?.code == .permissionDenied)
            text.value = error?.message
        }
        return text.value ?? ""
    }

    @Test("away from their home it is told where that is") func otherHome() async throws {
        try await Self.with(.write, home: "pi-0") { api, token in
            let error = await #expect(throws: RPCError.self) {
                try await Self.update(api, token, #"{"state": {"reported": {"t": 1}}}"#)
            }
            #expect(error?.code == .failedPrecondition && error?.message.contains("pi-0") == true)
        }
    }

    /// Follows the classic shadow of `a`.
    private final class Follower: Sendable {
        private let seen = Mutex<[Hedgerow_Shadow_V1_ShadowEventKind]>([])

        var kinds: [Hedgerow_Shadow_V1_ShadowEventKind] { seen.withLock { $0 } }

        func follow(_ api: ComponentAPIFixture, _ metadata: Metadata) async throws {
            try await api.withClient { client in
                try await Client(wrapping: client).watchShadow(
                    .with { $0.thing = "a" }, metadata: metadata
                ) { response in
                    for try await event in response.messages where event.kind != .unspecified {
                        self.seen.withLock { $0.append(event.kind) }
                    }
                }
            }
        }
    }
}
