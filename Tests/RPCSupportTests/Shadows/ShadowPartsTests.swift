import Foundation
import GRPCCore
import HedgerowAPI
import ShadowStore
import Shadows
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import RPCSupport

/// Counts.
private final class Counter: Sendable {
    private let value = Mutex(0)

    var count: Int { value.withLock { $0 } }

    func add() { value.withLock { $0 += 1 } }
}

/// The parts of the service of shadows that need no store.
@Suite(.timeLimit(.minutes(3))) struct ShadowPartsTests {
    @Test func positionsAreReadBackAndEverythingElseIsRefused() throws {
        let name = Data((0..<16).map { UInt8($0 * 15) })
        for place: ShadowPosition.Place in [
            .present(change: 0, moment: 0), .present(change: 17, moment: .max), .event(change: 5, told: 0),
            .event(change: .max, told: 3),
        ] {
            let position = ShadowPosition(database: name, place)
            #expect(ShadowPosition(position.text) == position)
        }
        let good = ShadowPosition(database: name, .event(change: 5, told: 1)).text
        for text in [
            "", "x", good + "-1", good.replacingOccurrences(of: "-e-", with: "-x-"), String(good.dropFirst()),
            good.replacingOccurrences(of: "-5-", with: "--5-"),
            good.replacingOccurrences(of: "-1", with: "-4"),
            String(repeating: "0", count: 1_000),
        ] { #expect(ShadowPosition(text) == nil, "\(text)") }
    }

    @Test func pageTokensBelongToTheirList() throws {
        let token = ShadowPaging.token(list: "history/a", after: "5")
        #expect(try ShadowPaging.number(in: token, list: "history/a") == 5)
        #expect(try ShadowPaging.number(in: "", list: "history/a") == nil)
        for text in [token + "x", "nonsense", ShadowPaging.token(list: "history/a", after: "x")] {
            let error = #expect(throws: HedgerowError.self) {
                try ShadowPaging.number(in: text, list: "history/a")
            }
            #expect(error?.reason == .badPageToken)
        }
        #expect(throws: HedgerowError.self) { try ShadowPaging.number(in: token, list: "history/b") }
        #expect(try ShadowPaging.size(0) == 100)
        #expect(try ShadowPaging.size(1_000) == 1_000)
        #expect(throws: HedgerowError.self) { try ShadowPaging.size(1_001) }
        // One entry always fits; then as many as are not too large together.
        #expect(ShadowPaging.count([2 << 20, 1], size: 5) { $0 } == 1)
        #expect(ShadowPaging.count([1 << 19, 1 << 18, 1 << 19], size: 5) { $0 } == 2)
        #expect(ShadowPaging.count([1, 1, 1], size: 2) { $0 } == 2)
        #expect(ShadowPaging.count([Int](), size: 2) { $0 } == 0)
    }

    @Test func everyRefusalOfADocumentHasACodeAndOneReason() throws {
        let wanted: [ShadowError.Code: (RPCError.Code, ErrorReason)] = [
            .badRequest: (.invalidArgument, .invalidShadowDocument),
            .unsupported: (.invalidArgument, .invalidShadowDocument),
            .invalidExpression: (.invalidArgument, .invalidExpression),
            .forbidden: (.permissionDenied, .notYourResource), .notFound: (.notFound, .shadowNotFound),
            .conflict: (.aborted, .shadowVersionConflict), .conditionFalse: (.aborted, .shadowConditionFalse),
            .tooLarge: (.resourceExhausted, .shadowTooLarge),
            .tooManyRequests: (.resourceExhausted, .tooManyRequests),
        ]
        for code in ShadowError.Code.allCases {
            let error = HedgerowError(ShadowError(code, "why"))
            #expect(error.code == wanted[code]?.0)
            #expect(error.reason == wanted[code]?.1)
            #expect(error.message == "why")
        }
        #expect(HedgerowError(ShadowError(.tooManyRequests, "")).retryAfter != nil)
        let home = HedgerowError.shadowAtHomeCore("c", thing: "t")
        #expect(home.code == .failedPrecondition)
        #expect(home.details == ["core": "c"])
    }

    @Test func thoseWhoFollowAreWokenByTheirShadowsOnly() async throws {
        let hub = ShadowHub()
        let (hall, named, yard) = try (
            ShadowKey(thing: "hall"), ShadowKey(thing: "hall", name: "n"), ShadowKey(thing: "yard")
        )
        let one = hub.watch(.shadow(hall))
        let thing = hub.watch(.thing("hall"))
        let all = hub.watch(.all)
        let some = hub.watch(things: ["yard", "hall"])
        #expect(hub.count == 4)
        for (key, told) in [
            (hall, [one, thing, all, some]), (named, [thing, all, some]), (yard, [all, some]),
        ] {
            hub.rejected(key, document: key.description)
            for watcher in [one, thing, all, some] {
                let wanted = told.contains { $0 === watcher } ? [key.description] : []
                #expect(watcher.takeRejected().map(\.document) == wanted)
            }
        }
        hub.changed([yard])
        await all.wait()
        await some.wait()
        for watcher in [one, thing, all, some] { hub.remove(watcher) }
        #expect(hub.count == 0)
    }

    @Test func refusalsThatNobodyTakesFallOut() throws {
        let hub = ShadowHub()
        let watcher = hub.watch(.all)
        let key = try ShadowKey(thing: "hall")
        for number in 0..<250 { hub.rejected(key, document: "\(number)") }
        let left = watcher.takeRejected()
        #expect(left.count == ShadowWatcher.maximumRejected)
        #expect(left.first?.document == "150")
        #expect(left.last?.document == "249")
        #expect(watcher.takeRejected().isEmpty)
    }

    @Test func aConnectionHasSoManyRequestsAtOnce() async throws {
        let gate = ShadowRequestGate()
        let release = Flag()
        let inside = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<ShadowRequestGate.maximumPerConnection {
                group.addTask {
                    try await gate.run("a") {
                        inside.add()
                        try await eventually("it is released", holds: { release.isSet })
                    }
                }
            }
            try await eventually("all are in") {
                inside.count == ShadowRequestGate.maximumPerConnection
            }
            let error = await #expect(throws: HedgerowError.self) { try await gate.run("a") {} }
            #expect(error?.reason == .tooManyRequests)
            #expect(try await gate.run("b") { 5 } == 5)
            release.set()
            try await group.waitForAll()
        }
        #expect(try await gate.run("a") { 5 } == 5)
        // One that failed is out as well.
        for _ in 0..<20 {
            await #expect(throws: CancellationError.self) {
                try await gate.run("a") { throw CancellationError() }
            }
        }
    }

    @Test func documentsOfASyncAreReadBack() throws {
        let incarnation = ShadowIncarnation.random()
        let document = StoredShadow.present(
            ShadowDocument(
                desired: ["a": .integer(1)], reported: ["b": .array([.number(1.5)])], version: 7,
                incarnation: incarnation, updateTime: 1_700_000_000_123_456))
        let tombstone = StoredShadow.deleted(
            ShadowTombstone(incarnation: incarnation, version: 8, deleteTime: 5))
        for shadow in [document, tombstone] {
            #expect(try Hedgerow_Shadow_V1_SyncDocument(shadow).shadow() == shadow)
            let change = Hedgerow_Shadow_V1_SyncChange(
                SyncedShadow(
                    key: try ShadowKey(thing: "hall", name: "n"), change: 9, shadow: shadow,
                    coreVersion: ShadowVersion(incarnation: incarnation, version: 3)), isNews: true)
            let read = try change.cloudShadow()
            #expect(read.key == (try ShadowKey(thing: "hall", name: "n")))
            #expect(read.cloud.stored == shadow)
            #expect(read.cloud.core == ShadowVersion(incarnation: incarnation, version: 3))
            #expect(change.change == 9)
        }
        var broken = Hedgerow_Shadow_V1_SyncDocument(document)
        broken.incarnation = Data(repeating: 1, count: 15)
        #expect(throws: ShadowError.self) { try broken.shadow() }
        broken = Hedgerow_Shadow_V1_SyncDocument(document)
        broken.state = Data(#"{"other":{}}"#.utf8)
        #expect(throws: ShadowError.self) { try broken.shadow() }
        // The cloud has neither a document nor a tombstone.
        let none = try Hedgerow_Shadow_V1_SyncChange.with { $0.thing = "hall" }.cloudShadow()
        #expect(none.cloud == CloudShadow(nil))
    }
}
