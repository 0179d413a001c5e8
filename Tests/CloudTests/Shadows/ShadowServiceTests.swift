import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Cloud

/// `ShadowService` of the cloud over real sockets.
@Suite(.timeLimit(.minutes(5))) struct ShadowServiceTests {
    @Test func aThingAndAnOperatorShareADocument() async throws {
        try await ShadowFleet.run { fleet in
            // A thing may leave its name out.
            let first = try await fleet.update(
                "", #"{"state":{"reported":{"t":20}},"clientToken":"a"}"#, as: fleet.thing)
            #expect(first.version == 1)
            #expect(first.document.contains(#""clientToken":"a""#))
            #expect(first.delta.isEmpty)
            let second = try await fleet.update("t", #"{"state":{"desired":{"t":21}},"version":1}"#)
            #expect(second.version == 2)
            #expect(second.delta.contains(#""t":21"#))
            let document = try await fleet.get("", as: fleet.thing)
            #expect(document.version == 2)
            #expect(document.document.contains(#""delta":{"t":21}"#))
            #expect(document.hasUpdateTime)
            let deletion = try await fleet.call(as: fleet.thing) {
                try await $0.deleteShadow(
                    .with {
                        $0.version = 2
                        $0.clientToken = "bye"
                    })
            }
            #expect(deletion.document.contains(#""clientToken":"bye""#))
            #expect(deletion.version == 3)
            try await expectRefusal(.shadowNotFound) { try await fleet.get("t") }
        }
    }

    @Test func everyRefusalHasItsReason() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.update("t", #"{"state":{"reported":{"t":30}}}"#)
            let long = String(repeating: "x", count: 9_000)
            let deep = String(repeating: #"{"a":"#, count: 9) + "1" + String(repeating: "}", count: 9)
            let cases: [(RPCError.Code, ErrorReason, @Sendable () async throws -> Void)] = [
                (.invalidArgument, .invalidShadowDocument, { try await fleet.update("t", "{") }),
                (.invalidArgument, .invalidShadowDocument, { try await fleet.update("t", #"{"x":1}"#) }),
                (
                    .invalidArgument, .invalidShadowDocument,
                    { try await fleet.update("t", #"{"state":{"desired":\#(deep)}}"#) }
                ),
                (
                    .invalidArgument, .invalidShadowDocument,
                    { try await fleet.update("u", #"{"state":{},"version":4}"#) }
                ),
                (
                    .aborted, .shadowVersionConflict,
                    { try await fleet.update("t", #"{"state":{},"version":4}"#) }
                ),
                (
                    .aborted, .shadowConditionFalse,
                    {
                        try await fleet.update(
                            "t", #"{"state":{"desired":{"fan":"on"}}}"#, condition: "state.reported.t < 30.0")
                    }
                ),
                (
                    .aborted, .shadowConditionFalse,
                    { try await fleet.update("t", #"{"state":{}}"#, condition: "state.desired.none == 1") }
                ),
                (
                    .invalidArgument, .invalidExpression,
                    { try await fleet.update("t", #"{"state":{}}"#, condition: "state.") }
                ),
                (
                    .invalidArgument, .invalidExpression,
                    {
                        try await fleet.update(
                            "t", #"{"state":{}}"#, condition: String(repeating: " ", count: 4_097) + "true")
                    }
                ),
                (
                    .resourceExhausted, .shadowTooLarge,
                    { try await fleet.update("t", #"{"state":{"reported":{"x":"\#(long)"}}}"#) }
                ),
                (.notFound, .shadowNotFound, { _ = try await fleet.get("t", name: "none") }),
                (.notFound, .shadowNotFound, { try await fleet.delete("u") }),
                (.aborted, .shadowVersionConflict, { try await fleet.delete("t", version: 9) }),
                (.notFound, .notFound, { _ = try await fleet.get("nobody") }),
                (.notFound, .notFound, { try await fleet.update("nobody", #"{"state":{}}"#) }),
                (.invalidArgument, .invalidField, { _ = try await fleet.get("") }),
                (.invalidArgument, .invalidField, { _ = try await fleet.get("no name") }),
                (.invalidArgument, .invalidField, { _ = try await fleet.get("t", name: "no name") }),
                (
                    .invalidArgument, .invalidField,
                    {
                        _ = try await fleet.call {
                            try await $0.deleteShadow(
                                .with {
                                    $0.thing = "t"
                                    $0.clientToken = String(repeating: "x", count: 65)
                                })
                        }
                    }
                ),
                (.permissionDenied, .notYourResource, { _ = try await fleet.get("u", as: fleet.thing) }),
                (.permissionDenied, .notYourResource, { try await fleet.update("u", "{}", as: fleet.thing) }),
                (.permissionDenied, .notYourResource, { try await fleet.delete("u", as: fleet.thing) }),
                (.permissionDenied, .roleNotAllowed, { _ = try await fleet.get("c", as: fleet.core) }),
            ]
            for (index, (code, reason, body)) in cases.enumerated() {
                let error = try await refusal(body)
                #expect(error?.code == code, "case \(index)")
                #expect(error?.reason == reason, "case \(index)")
            }
            #expect(try await fleet.get("t").version == 1)
        }
    }

    @Test func aConditionThatHoldsLetsAChangePass() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.update("t", #"{"state":{"reported":{"t":20}}}"#, condition: "!exists")
            let fan = try await fleet.update(
                "t", #"{"state":{"desired":{"fan":"off"}}}"#,
                condition: "state.reported.t < 30.0 && version == 1")
            #expect(fan.version == 2)
            try await expectRefusal(.shadowConditionFalse) {
                try await fleet.update("t", #"{"state":{}}"#, condition: "!exists")
            }
        }
    }

    @Test func listsHistoryAndConflictsComeInPages() async throws {
        try await ShadowFleet.run { fleet in
            for number in 1...25 {
                try await fleet.update("t", #"{"state":{"reported":{"n":\#(number)}}}"#)
            }
            for name in ["b", "a"] {
                try await fleet.update("t", #"{"state":{"desired":{"x":1}}}"#, name: name)
            }
            try await fleet.update("u", #"{"state":{"desired":{"x":1}}}"#, as: fleet.other)
            func list(
                _ thing: String, size: UInt32, token: String = "", as identity: ClientIdentity? = nil
            ) async throws -> Hedgerow_Shadow_V1_ListShadowsResponse {
                try await fleet.call(as: identity) {
                    try await $0.listShadows(
                        .with {
                            $0.thing = thing
                            $0.pageSize = size
                            $0.pageToken = token
                        })
                }
            }
            var (names, token): ([String], String) = ([], "")
            repeat {
                let page = try await list("", size: 2, token: token)
                names += page.shadows.map { "\($0.thing)/\($0.name)" }
                token = page.nextPageToken
            } while !token.isEmpty
            #expect(names == ["t/", "t/a", "t/b", "u/"])
            let own = try await list("", size: 10, as: fleet.thing).shadows
            #expect(own.map(\.name) == ["", "a", "b"])
            #expect(own[0].version == 25)
            #expect(own[0].sizeBytes == UInt32(#"{"n":25}"#.utf8.count))
            #expect(own[1].hasDelta_p)
            // The group syncs it, and no core has it yet.
            #expect(own[0].sync.state == .pending)
            try await fleet.update("stranger", #"{"state":{}}"#)
            #expect(try await list("stranger", size: 1).shadows.first?.sync.state == .local)
            let first = try await list("t", size: 1)
            try await expectRefusal(.badPageToken) {
                try await list("u", size: 1, token: first.nextPageToken)
            }
            try await expectRefusal(.invalidField) { try await list("u", size: 1_001) }

            func history(size: UInt32, token: String = "") async throws
                -> Hedgerow_Shadow_V1_ListShadowHistoryResponse
            {
                try await fleet.call {
                    try await $0.listShadowHistory(
                        .with {
                            $0.thing = "t"
                            $0.pageSize = size
                            $0.pageToken = token
                        })
                }
            }
            var versions: [UInt64] = []
            token = ""
            repeat {
                let page = try await history(size: 7, token: token)
                versions += page.entries.map(\.version)
                #expect(
                    page.entries.allSatisfy { $0.author == "operator:admin" && $0.incarnation.count == 32 })
                token = page.nextPageToken
            } while !token.isEmpty
            // As many as are kept.
            #expect(versions == (6...25).reversed().map { $0 })
            let entry = try #require(try await history(size: 1).entries.first)
            #expect(entry.document.contains(#""reported":{"n":25}"#))
            try await expectRefusal(.badPageToken) { try await history(size: 1, token: "nonsense") }

            let conflicts = try await fleet.call {
                try await $0.listShadowConflicts(.with { $0.thing = "t" })
            }
            #expect(conflicts.conflicts.isEmpty)
        }
    }

    @Test func aThingThatIsDeletedLeavesNoShadow() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.update("stranger", #"{"state":{"desired":{"x":1}}}"#)
            _ = try await fleet.cloud.call(as: fleet.admin) {
                try await Registry(wrapping: $0).deleteThing(.with { $0.name = "stranger" })
            }
            try await expectRefusal(.notFound) { try await fleet.get("stranger") }
            _ = try await fleet.cloud.register(fleet.admin, .thing, "stranger")
            try await expectRefusal(.shadowNotFound) { try await fleet.get("stranger") }
            // Nothing of the document is left; a core that had it learns of the deletion by the tombstone.
            #expect(try await fleet.update("stranger", #"{"state":{}}"#).version == 3)
            let history = try await fleet.call {
                try await $0.listShadowHistory(.with { $0.thing = "stranger" }).entries
            }
            #expect(history.map(\.document.isEmpty) == [false, true])
        }
    }

    /// Each writer reads the version and writes it back with its own count: whoever lost, tries again.
    @Test func fiftyWritersWithVersionsLoseNoUpdate() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.update("t", #"{"state":{"reported":{"n":0}}}"#)
            let (writers, each) = (50, 4)
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Ten writers on each connection, which is as many requests as one may have open.
                for _ in 0..<writers / 10 {
                    group.addTask {
                        try await fleet.call { client in
                            try await withThrowingTaskGroup(of: Void.self) { writers in
                                for _ in 0..<10 {
                                    writers.addTask { try await Self.count(client, times: each) }
                                }
                                try await writers.waitForAll()
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let document = try await fleet.get("t")
            #expect(document.document.contains(#""reported":{"n":\#(writers * each)}"#))
            #expect(document.version == UInt64(1 + writers * each))
        }
    }

    private static func count(_ client: ShadowClient, times: Int) async throws {
        struct Document: Decodable {
            struct State: Decodable { var reported: [String: Int] }
            var state: State
            var version: UInt64
        }
        var done = 0
        while done < times {
            let text = try await client.getShadow(.with { $0.thing = "t" }).document
            let document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
            let next = document.state.reported["n"]! + 1
            do {
                _ = try await client.updateShadow(
                    .with {
                        $0.thing = "t"
                        $0.document = #"{"state":{"reported":{"n":\#(next)}},"version":\#(document.version)}"#
                    })
                done += 1
            } catch let error as RPCError where HedgerowError(error)?.reason == .shadowVersionConflict {
                continue
            }
        }
    }

    @Test func anEleventhRequestOfAConnectionIsRefused() async throws {
        try await ShadowFleet.run { fleet in
            // Nothing can be written while somebody holds the database.
            let (held, release) = (Flag(), DispatchSemaphore(value: 0))
            let pool = fleet.cloud.server.context.database.pool
            pool.asyncWriteWithoutTransaction { _ in
                held.set()
                release.wait()
            }
            try await eventually("the database is held", holds: { held.isSet })
            let answered = Flag()
            try await fleet.call { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<10 {
                        group.addTask {
                            let request = Hedgerow_Shadow_V1_UpdateShadowRequest.with {
                                $0.thing = "t"
                                $0.document = #"{"state":{"reported":{"n\#(number)":1}}}"#
                            }
                            // The question below may have been the tenth.
                            while try await refusal({ try await client.updateShadow(request) }) != nil {}
                            answered.set()
                        }
                    }
                    // As soon as all ten are under way, the next one is refused, whatever it wants.
                    defer { release.signal() }
                    try await eventually("a request is refused") {
                        let error = try await refusal { try await client.getShadow(.with { $0.thing = "u" }) }
                        guard error?.reason == .tooManyRequests else { return false }
                        #expect(error?.code == .resourceExhausted)
                        #expect(error?.retryAfter != nil)
                        return true
                    }
                    // Another connection is not concerned.
                    try await expectRefusal(.shadowNotFound) { try await fleet.get("u") }
                    #expect(!answered.isSet)
                }
            }
            #expect(try await fleet.get("t").version == 10)
        }
    }
}
