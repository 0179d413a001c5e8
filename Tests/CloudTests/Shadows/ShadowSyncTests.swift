import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import ShadowStore
import Shadows
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Cloud

/// The cloud's side of the sync against a core in the hands of a test, over real sockets.
@Suite(.timeLimit(.minutes(5))) struct ShadowSyncTests {
    @Test func whatACoreWritesIsInTheCloudAndNotToldBack() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.sync { core in
                core.start()
                let started = try await core.started()
                #expect(started.database.count == 16)
                #expect(started.newestChange == 0)
                let mine = StoredShadow.reporting(1, version: 7)
                let written = try await core.write(1, "t", mine)
                #expect(written.accepted.version == 1)
                let document = try await fleet.get("t")
                #expect(document.document.contains(#""reported":{"n":1}"#))
                #expect(document.version == 1)
                try await eventually("the change counts as told", holds: { core.told == 1 })
                // Somebody edits it: that is told, with what of the core's is in it.
                try await fleet.update("t", #"{"state":{"desired":{"n":2}}}"#)
                let change = try await eventually("the edit is told") { core.changes.first }
                #expect(change.thing == "t")
                #expect(change.document.version == 2)
                #expect(change.change == 2)
                #expect(change.coreVersion == 7)
                #expect(change.coreIncarnation == Data(mine.incarnation.bytes))
                #expect(core.changes.count == 1)
                let history = try await fleet.call {
                    try await $0.listShadowHistory(.with { $0.thing = "t" }).entries
                }
                #expect(history.map(\.author) == ["operator:admin", "core:c"])
                #expect(history.allSatisfy { $0.incarnation == mine.incarnation.description })
            }
        }
    }

    @Test func theCloudComparesBeforeItWrites() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.update("t", #"{"state":{"reported":{"n":5}}}"#)
            try await fleet.sync { core in
                core.start()
                _ = try await core.started()
                let mine = StoredShadow.reporting(1)
                let refused = try await core.write(1, "t", mine)
                guard case .refused(let change)? = refused.outcome else {
                    Issue.record("\(refused)")
                    return
                }
                let theirs = try change.cloudShadow().cloud
                #expect(theirs.stored?.document?.stateText == #"{"reported":{"n":5}}"#)
                #expect(theirs.core == nil)
                #expect(change.change == 0)
                let there = try #require(theirs.stored)
                // With what the cloud has, and under its creation, it is taken.
                let merged = StoredShadow.reporting(9, version: 2, incarnation: there.incarnation)
                let conflict = Hedgerow_Shadow_V1_ShadowConflict.with {
                    $0.path = "reported/n"
                    $0.coreValue = "1"
                    $0.cloudValue = "5"
                    $0.winner = "core"
                    $0.core = "somebody else"
                }
                let written = try await core.write(
                    2, "t", merged, expecting: (there, there.version), conflicts: [conflict])
                #expect(written.accepted.version == 2)
                let again = try await core.write(3, "t", merged, expecting: (there, there.version))
                guard case .refused(let now)? = again.outcome else {
                    Issue.record("\(again)")
                    return
                }
                #expect(now.coreVersion == 2)
                // Nothing at all is refused by saying nothing.
                let absent = try await core.write(4, "u", mine, expecting: (mine, 3))
                guard case .refused(let none)? = absent.outcome else {
                    Issue.record("\(absent)")
                    return
                }
                #expect(!none.hasDocument)
                #expect(none.thing == "u")
                // A decision that needed no write.
                core.send { request in
                    request.conflicts = [
                        .with {
                            $0.thing = "t"
                            $0.conflict.path = "desired/x"
                        }, .with { $0.thing = "stranger" },
                    ]
                }
                let conflicts = try await eventually("both conflicts are there") {
                    let found = try await fleet.call {
                        try await $0.listShadowConflicts(.with { $0.thing = "t" }).conflicts
                    }
                    return found.count == 2 ? found : nil
                }
                #expect(conflicts.map(\.path) == ["desired/x", "reported/n"])
                #expect(conflicts.map(\.core) == ["c", "c"])
            }
        }
    }

    @Test func whatCanNeverBeWrittenIsAProblem() async throws {
        let group =
            "{kind: Group, name: g, cores: [c], things: [t, u], shadows: {sync: [t, {things: u, direction: toEdge}]}}"
        try await ShadowFleet.run(group: group) { fleet in
            try await fleet.sync { core in
                core.start()
                _ = try await core.started()
                let large = StoredShadow.present(
                    ShadowDocument(
                        desired: nil, reported: ["x": .string(String(repeating: "x", count: 9_000))],
                        version: 1,
                        incarnation: .random(), updateTime: 0))
                let tooLarge = try await core.write(1, "t", large)
                #expect(tooLarge.problem.reason.contains("8192"))
                #expect(!tooLarge.problem.retryable)
                for (id, thing) in [(2, "stranger"), (3, "u"), (4, "c")] as [(UInt64, String)] {
                    let written = try await core.write(id, thing, .reporting(1))
                    #expect(written.problem.retryable, "\(thing)")
                }
                core.send { request in
                    request.writes = [
                        .with {
                            $0.id = 5
                            $0.thing = "t"
                            $0.document = .init(StoredShadow.reporting(1))
                            $0.document.state = Data("no json".utf8)
                        }
                    ]
                }
                let unreadable = try await eventually("it is answered") { core.written.first { $0.id == 5 } }
                #expect(!unreadable.problem.reason.isEmpty)
                #expect(!unreadable.problem.retryable)
            }
        }
    }

    @Test func aCoreThatReturnsIsToldWhatItLacksAndEqualOnesCostNothing() async throws {
        try await ShadowFleet.run { fleet in
            for number in 0..<40 {
                try await fleet.update("t", #"{"state":{"desired":{"n":1}}}"#, name: "s\(number)")
            }
            let database = Mutex(Data())
            let taken = Mutex<UInt64>(0)
            try await fleet.sync { core in
                core.start()
                let started = try await core.started()
                #expect(started.newestChange == 40)
                let all = try await core.read("t")
                #expect(all.count == 40)
                #expect(all.allSatisfy { $0.change == 0 })
                #expect(try await core.read("u").isEmpty)
                #expect(try await core.read("stranger").isEmpty)
                core.send { $0.takenChange = started.newestChange }
                database.withLock { $0 = started.database }
                taken.withLock { $0 = started.newestChange }
                try await eventually("that is known") {
                    try await fleet.cloud.server.shadowStore.read { try $0.progress() }.first?.takenChange
                        == 40
                }
            }
            let (name, through) = (database.withLock { $0 }, taken.withLock { $0 })
            // Nothing changed: the beginning is all that is said.
            try await fleet.sync { core in
                core.start(database: name, taken: through)
                _ = try await core.started()
                #expect(try await core.read("stranger").isEmpty)
                #expect(core.changes.isEmpty)
                #expect(core.bytes < 100)
            }
            // Much changed one of them: it is told once.
            for number in 0..<10 {
                try await fleet.update("t", #"{"state":{"desired":{"n":\#(number)}}}"#, name: "s7")
            }
            try await fleet.delete("t", name: "s8")
            try await fleet.sync { core in
                core.start(database: name, taken: through)
                try await eventually("both are told", holds: { core.told == 51 })
                #expect(core.changes.map(\.name) == ["s7", "s8"])
                #expect(core.changes.map(\.change) == [50, 51])
                #expect(core.changes[0].document.version == 11)
                #expect(core.changes[1].document.deleted)
            }
            // Cut in the middle, it is told again what it did not say that it took.
            try await fleet.sync { core in
                core.start(database: name, taken: 50)
                try await eventually("the rest is told", holds: { core.told == 51 })
                #expect(core.changes.map(\.name) == ["s8"])
            }
            // Numbers of another database mean nothing.
            try await fleet.sync { core in
                core.start(database: Data(repeating: 1, count: 16), taken: 3)
                let started = try await core.started()
                #expect(started.database == name)
                #expect(try await core.read("t").count == 40)
                #expect(core.changes.allSatisfy { $0.change == 0 })
            }
            // A core that took what is not there yet: this database was restored, and has another name from now on.
            try await fleet.sync { core in
                core.start(database: name, taken: 1_000)
                let started = try await core.started()
                #expect(started.database != name)
            }
        }
    }

    @Test func largeAnswersComeInBoundedMessages() async throws {
        try await ShadowFleet.run { fleet in
            let text = String(repeating: "x", count: 7_000)
            try await fleet.call { client in
                for number in 0..<250 {
                    _ = try await client.updateShadow(
                        .with {
                            $0.thing = "t"
                            $0.name = "s\(number)"
                            $0.document = #"{"state":{"desired":{"x":"\#(text)"}}}"#
                        })
                }
            }
            try await fleet.sync { core in
                core.start()
                _ = try await core.started()
                #expect(try await core.read("t").count == 250)
                #expect(core.received.allSatisfy { $0.changes.count <= 100 })
                let largest = core.received.compactMap { try? $0.serializedData().count }.max() ?? 0
                #expect(largest < 1_200_000)
            }
        }
    }

    @Test func aThingsChangesAreGatheredWhereItsRuleSaysSo() async throws {
        let group =
            "{kind: Group, name: g, cores: [c], things: [t, u], shadows: {sync: [u, {things: t, every: 1h}]}}"
        try await ShadowFleet.run(group: group) { fleet in
            try await fleet.sync { core in
                core.start()
                let name = try await core.started().database
                try await fleet.update("t", #"{"state":{"desired":{"n":1}}}"#)
                try await fleet.update("u", #"{"state":{"desired":{"n":1}}}"#)
                try await eventually("the other is told", holds: { core.changes.map(\.thing) == ["u"] })
                // Nothing behind what waits is said to be told.
                #expect(core.told == 0)
                try await fleet.sync(as: fleet.core) { next in
                    next.start(database: name)
                    try await eventually("the beginning gathers nothing") {
                        Set(next.changes.map(\.thing)) == ["t", "u"] && next.told == 2
                    }
                }
                #expect(try await core.endReason().reason == .sessionSuperseded)
            }
        }
    }

    @Test func aNewerStreamEndsTheOlder() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.sync { older in
                older.start()
                _ = try await older.started()
                try await fleet.sync { newer in
                    newer.start()
                    _ = try await newer.started()
                    let error = try await older.endReason()
                    #expect(error.code == .aborted)
                    #expect(error.reason == .sessionSuperseded)
                    #expect(try await newer.write(1, "t", .reporting(1)).accepted.version == 1)
                }
            }
            try await eventually("no stream is left") {
                fleet.cloud.server.telemetry.syncingCores() == 0
            }
        }
    }

    @Test func aTombstoneStaysUntilEveryCoreThatSyncedHasTakenIt() async throws {
        try await ShadowFleet.run { fleet in
            let (context, time) = (fleet.cloud.server.context, fleet.cloud.time)
            let tombstones = ShadowTombstones(
                shadows: CloudShadows(context, store: fleet.cloud.server.shadowStore))
            try await fleet.update("t", #"{"state":{"desired":{"n":1}}}"#)
            try await fleet.sync { core in
                core.start()
                _ = try await core.started()
                try await fleet.delete("t")
                try await eventually("the deletion is told", holds: { core.told == 2 })
            }
            // Days pass, and the core has not said that it took it.
            time.advance(by: .days(3))
            #expect(try await tombstones.purge() == 0)
            try await fleet.sync { core in
                core.start(
                    database: try await fleet.cloud.server.shadowStore.read { try $0.databaseName() },
                    taken: 1)
                try await eventually("the deletion is told again", holds: { core.told == 2 })
                #expect(core.changes.map(\.document.deleted) == [true])
                core.send { $0.takenChange = 2 }
                try await eventually("it may go") { try await tombstones.purge() == 1 }
            }
            // A core that is the home no more is not waited for.
            try await fleet.update("t", #"{"state":{}}"#)
            try await fleet.delete("t")
            time.advance(by: .days(3))
            #expect(try await tombstones.purge() == 0)
            try await fleet.cloud.apply(
                fleet.admin,
                "{kind: Group, name: g, cores: [c, d], things: [t], shadows: {sync: ['*'], home: d}}")
            #expect(try await tombstones.purge() == 1)
            // One of a thing that nobody syncs waits for its two days alone.
            try await fleet.update("stranger", #"{"state":{}}"#)
            try await fleet.delete("stranger")
            #expect(try await tombstones.purge() == 0)
            time.advance(by: .days(3))
            #expect(try await tombstones.purge() == 1)
        }
    }

    /// Writers of the cloud and a core that writes all the time: whatever is told last is what the cloud has.
    @Test func whatIsToldLastIsWhatTheCloudHas() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.sync { core in
                core.start()
                _ = try await core.started()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await fleet.call { client in
                            for number in 0..<100 {
                                _ = try await client.updateShadow(
                                    .with {
                                        $0.thing = number % 2 == 0 ? "t" : "u"
                                        $0.name = "s\(number % 7)"
                                        $0.document = #"{"state":{"desired":{"n":\#(number)}}}"#
                                    })
                            }
                        }
                    }
                    group.addTask {
                        for number in 0..<50 {
                            _ = try await core.write(
                                UInt64(number + 1), "t", .reporting(Int64(number)), name: "own\(number)")
                        }
                    }
                    try await group.waitForAll()
                }
                try await eventually("everything is told", holds: { core.told == 150 })
                #expect(!core.changes.contains { $0.name.hasPrefix("own") })
                var newest: [String: UInt64] = [:]
                for change in core.changes {
                    let key = "\(change.thing)/\(change.name)"
                    #expect(change.document.version > newest[key] ?? 0)
                    newest[key] = change.document.version
                }
                #expect(core.changes.map(\.change) == core.changes.map(\.change).sorted())
                let listed = try await fleet.call {
                    try await $0.listShadows(.with { $0.pageSize = 1_000 }).shadows
                }
                for shadow in listed where !shadow.name.hasPrefix("own") {
                    #expect(newest["\(shadow.thing)/\(shadow.name)"] == shadow.version)
                }
                #expect(listed.count == 14 + 50)
                core.send { $0.takenChange = 150 }
                try await eventually("both sides are the same") {
                    try await fleet.call { try await $0.listShadows(.with { $0.thing = "t" }).shadows }
                        .filter { $0.name.hasPrefix("own") }
                        .allSatisfy {
                            $0.sync.state == .synced && $0.sync.core == "c" && $0.sync.hasSyncedTime
                        }
                }
            }
        }
    }
}
