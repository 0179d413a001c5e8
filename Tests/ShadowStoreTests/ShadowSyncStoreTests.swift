import Foundation
import GRDB
import Shadows
import Testing

@testable import ShadowStore

/// What the sync keeps on both sides.
@Suite struct ShadowSyncStoreTests {
    private func report(_ value: Int) throws -> ShadowUpdate {
        try update(#"{"state":{"reported":{"n":\#(value)}}}"#)
    }

    // MARK: The cloud

    @Test func theCloudComparesAndSwaps() throws {
        let core = try shadowDatabase()
        let cloud = try shadowDatabase()
        let hall = try key("hall")
        let sent = try core.shadows { try $0.update(hall, try report(1)) }.step.after
        guard
            case .accepted(let version, let change) = try cloud.shadows(
                .cloud, by: "core:c", { try $0.write(hall, sent, of: "c", expected: nil) })
        else {
            Issue.record("not accepted")
            return
        }
        #expect(version == 1)
        // The creation keeps its name on the other side.
        let there = try cloud.shadows(.cloud) { try $0.get(hall) }
        #expect(there.incarnation == sent.incarnation)
        // The same again is compared with what is there now.
        let refused = try cloud.shadows(.cloud) { try $0.write(hall, sent, of: "c", expected: nil) }
        guard case .refused(let present?) = refused else {
            Issue.record("not refused")
            return
        }
        #expect(present.change == change)
        #expect(present.coreVersion == sent.shadowVersion)
        // An edit in the cloud keeps the knowledge of what it is built on.
        try cloud.shadows(.cloud) { try $0.update(hall, try update(#"{"state":{"desired":{"n":5}}}"#)) }
        let synced = try #require(try cloud.shadows(.cloud) { try $0.synced(hall, for: "c") })
        #expect(synced.coreVersion == sent.shadowVersion)
        #expect(try cloud.shadows(.cloud) { try $0.synced(hall, for: "other") }?.coreVersion == nil)
        // What expects nothing is refused by nothing only where there is nothing.
        let nowhere = try cloud.shadows(.cloud) {
            try $0.write(try key("yard"), sent, of: "c", expected: sent.shadowVersion)
        }
        guard case .refused(nil) = nowhere else {
            Issue.record("not refused")
            return
        }
    }

    @Test func anEqualDocumentIsNoChangeInTheCloud() throws {
        let cloud = try shadowDatabase()
        let hall = try key("hall")
        let here = try cloud.shadows(.cloud) { try $0.update(hall, try report(1)) }
        var sent = here.step.after
        sent = sent.with(version: 77)
        let outcome = try cloud.shadows(.cloud) {
            try $0.write(hall, sent, of: "c", expected: here.step.after.shadowVersion)
        }
        guard case .accepted(1, here.number) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try cloud.shadows(.cloud) { try $0.newestChange() } == here.number)
        #expect(try cloud.shadows(.cloud) { try $0.synced(hall, for: "c") }?.coreVersion?.version == 77)
    }

    @Test func aDocumentThatIsTooLargeForTheCloudIsAProblem() throws {
        let core = try shadowDatabase()
        let cloud = try shadowDatabase()
        let long = String(repeating: "x", count: 9_000)
        let sent = try core.shadows {
            try $0.update(try key("hall"), try update(#"{"state":{"reported":{"x":"\#(long)"}}}"#))
        }.step.after
        let outcome = try cloud.shadows(.cloud, limits: .cloud) {
            try $0.write(try key("hall"), sent, of: "c", expected: nil)
        }
        guard case .problem(let reason) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(reason.contains("8192"))
        #expect(try cloud.shadows(.cloud) { try $0.record(try key("hall")) } == nil)
    }

    @Test func changesAreToldOnceEachInOrderAndInPages() throws {
        let cloud = try shadowDatabase()
        let keys = try (0..<6).map { try key("t\($0)") }
        try cloud.shadows(.cloud) { shadows in
            for round in 0..<3 { for key in keys { try shadows.update(key, try report(round)) } }
            try shadows.delete(keys[2])
        }
        var (told, last, isAtEnd): ([SyncedShadow], Int64, Bool) = ([], 0, false)
        while !isAtEnd {
            let page = try cloud.shadows(.cloud) {
                try $0.changes(after: last, for: "c", limit: 2, rows: 3) { key, _ in key.thing != "t4" }
            }
            told += page.shadows
            (last, isAtEnd) = (page.last, page.isAtEnd)
        }
        #expect(told.map(\.key.thing) == ["t0", "t1", "t3", "t5", "t2"])
        #expect(told.last?.shadow.isDeleted == true)
        #expect(last == 19)
    }

    @Test func aThingsShadowsAreReadInPagesWithTheirTombstones() throws {
        let cloud = try shadowDatabase()
        try cloud.shadows(.cloud) { shadows in
            for name in ["", "a", "b", "c"] { try shadows.update(try key("t", name), try report(1)) }
            try shadows.delete(try key("t", "b"))
            try shadows.update(try key("u"), try report(1))
        }
        var (names, last, isAtEnd): ([String], String?, Bool) = ([], nil, false)
        while !isAtEnd {
            let page = try cloud.shadows(.cloud) { try $0.shadows(of: "t", for: "c", after: last, limit: 2) }
            names += page.shadows.map(\.key.name)
            (last, isAtEnd) = (page.shadows.last?.key.name ?? last, page.isAtEnd)
        }
        #expect(names == ["", "a", "b", "c"])
    }

    @Test func whatACoreTookNeverGoesBackButAtItsBeginning() throws {
        let cloud = try shadowDatabase()
        try cloud.shadows(.cloud) { shadows in
            try shadows.taken(5, by: "c", group: "g")
            try shadows.taken(3, by: "c", group: "g")
            #expect(try shadows.progress() == [SyncProgress(core: "c", group: "g", takenChange: 5)])
            try shadows.taken(2, by: "c", group: "h", isStart: true)
            #expect(try shadows.progress() == [SyncProgress(core: "c", group: "h", takenChange: 2)])
            try shadows.forget(core: "c")
            #expect(try shadows.progress().isEmpty)
        }
    }

    @Test func tombstonesGoAfterTwoDaysWhereNobodyNeedsThem() throws {
        let cloud = try shadowDatabase()
        try cloud.shadows(.cloud) { shadows in
            for index in 0..<5 {
                try shadows.update(try key("t\(index)"), try report(1))
                if index != 4 { try shadows.delete(try key("t\(index)")) }
            }
        }
        func purge(at time: Int64) throws -> Int {
            var (total, position): (Int, TombstonePosition?) = (0, nil)
            repeat {
                let after = position
                let (removed, next) = try cloud.shadows(.cloud, at: time) {
                    try $0.purgeTombstones(after: after, limit: 2) { key, _ in key.thing != "t1" }
                }
                total += removed
                position = next
            } while position != nil
            return total
        }
        let day: Int64 = 86_400
        #expect(try purge(at: seconds(day * 2)) == 0)
        #expect(try purge(at: seconds(day * 2 + 2)) == 3)
        #expect(try cloud.shadows(.cloud) { try $0.record(try key("t1"))?.shadow.isDeleted } == true)
        #expect(try cloud.shadows(.cloud) { try $0.record(try key("t0")) } == nil)
        #expect(try cloud.shadows(.cloud) { try $0.record(try key("t4"))?.shadow.isDeleted } == false)
        #expect(try cloud.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM shadow_history") } == 3)
    }

    @Test func theNewestConflictsAreKept() throws {
        let cloud = try shadowDatabase()
        let hall = try key("hall")
        var sent = try shadowDatabase().shadows { try $0.update(hall, try report(0)) }.step.after
        var expected: ShadowVersion?
        for number in 1...130 {
            let conflict = RecordedConflict(
                path: "reported/n", base: "0", coreValue: "\(number)", cloudValue: "2", winner: "core",
                rule: "r", core: "c", coreVersion: UInt64(number), cloudVersion: 1, decideTime: 9)
            let outcome = try cloud.shadows(.cloud) {
                try $0.write(hall, sent, of: "c", expected: expected, conflicts: [conflict])
            }
            guard case .accepted(let version, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            expected = ShadowVersion(incarnation: sent.incarnation, version: version)
            sent = sent.with(version: UInt64(number + 1))
        }
        let conflicts = try cloud.shadows(.cloud) { try $0.conflicts(of: hall, limit: 1_000) }
        #expect(conflicts.count == 100)
        #expect(conflicts.first?.conflict.coreValue == "130")
        #expect(conflicts.last?.conflict.coreValue == "31")
        let next = try cloud.shadows(.cloud) {
            try $0.conflicts(of: hall, before: conflicts[9].entry, limit: 2)
        }
        #expect(next.map(\.conflict.coreValue) == ["120", "119"])
    }

    // MARK: The core

    @Test func whatChangesOnACoreWaitsForTheCloud() throws {
        let core = try shadowDatabase()
        let hall = try key("hall")
        let first = try core.shadows { try $0.update(hall, try report(1)) }
        try core.shadows { try $0.update(try key("yard"), try report(1)) }
        let dirty = try core.shadows { try $0.dirty(limit: 10) { $0.thing == "hall" } }
        #expect(dirty.map(\.record.key) == [hall])
        #expect(dirty[0].base == .none)
        #expect(
            try core.shadows { try $0.dirty(after: first.number, limit: 10) }.map(\.record.key) == [
                key("yard")
            ])

        try core.shadows { try $0.sending(first.step.after, of: hall) }
        #expect(try core.shadows { try $0.base(of: hall) }.pending == first.step.after)
        // An edit while it is under way stays to be sent.
        try core.shadows { try $0.update(hall, try report(2)) }
        let isDirty = try core.shadows(at: seconds(5)) {
            try $0.accepted(
                first.step.after.shadowVersion, of: hall, cloudVersion: 9, direction: .both)
        }
        #expect(isDirty)
        let base = try core.shadows { try $0.base(of: hall) }
        #expect(base.expected == ShadowVersion(incarnation: first.step.after.incarnation, version: 9))
        #expect(base.pending == nil)
        #expect(try core.shadows { try $0.summary(hall)?.sync.syncTime } == seconds(5))

        let second = try #require(try core.shadows { try $0.record(hall) }).shadow
        try core.shadows { try $0.sending(second, of: hall) }
        try core.shadows {
            try $0.accepted(second.shadowVersion, of: hall, cloudVersion: 10, direction: .both)
        }
        #expect(try core.shadows { try $0.dirty(limit: 10) { $0.thing == "hall" } }.isEmpty)
        // A reading that is the same as before is no news.
        try core.shadows { try $0.update(hall, try report(2)) }
        #expect(try core.shadows { try $0.record(hall)?.isDirty } == false)
    }

    @Test func whatTheCloudHasIsMergedInOneTransaction() throws {
        let core = try shadowDatabase()
        let hall = try key("hall")
        let mine = try core.shadows {
            try $0.update(hall, try update(#"{"state":{"reported":{"n":1,"m":1},"desired":{"d":1}}}"#))
        }.step.after
        try core.shadows { try $0.sending(mine, of: hall) }
        try core.shadows { try $0.accepted(mine.shadowVersion, of: hall, cloudVersion: 1, direction: .both) }
        try core.shadows {
            try $0.update(hall, try update(#"{"state":{"reported":{"n":2},"desired":{"d":2}}}"#))
        }
        let theirs = ShadowDocument(
            desired: ["d": .integer(3)], reported: ["n": .integer(1), "m": .integer(4)], version: 2,
            incarnation: mine.incarnation, updateTime: seconds(3))
        let (decision, conflicts) = try core.shadows(at: seconds(4), by: "cloud") {
            try $0.apply(CloudShadow(.present(theirs)), to: hall, direction: .both, core: "c")
        }
        #expect(decision?.pushes == true)
        let merged = try core.shadows { try $0.get(hall) }
        #expect(merged.stateText == #"{"desired":{"d":3},"reported":{"m":4,"n":2}}"#)
        #expect(merged.version == 3)
        #expect(conflicts.map(\.path) == ["desired/d"])
        #expect(try core.shadows { try $0.conflicts(of: hall, limit: 5) }.map(\.conflict) == conflicts)
        #expect(try core.shadows { try $0.history(of: hall, limit: 1) }.first?.author == "cloud")
        #expect(try core.shadows { try $0.base(of: hall) }.cloud == .present(theirs))
        #expect(try core.shadows { try $0.record(hall)?.isDirty } == true)
        // Followers are told the whole document.
        let events = try core.shadows { try $0.events(.shadow(hall), after: 2) }.events
        guard case .changed(let step)? = events.last?.kind else {
            Issue.record("no change")
            return
        }
        #expect(step.acceptedText.contains(#""state":{"desired":{"d":3},"reported":{"m":4,"n":2}}"#))
        // The same again changes nothing.
        let number = try core.shadows { try $0.newestChange() }
        try core.shadows(by: "cloud") {
            try $0.apply(CloudShadow(.present(theirs)), to: hall, direction: .both, core: "c")
        }
        #expect(try core.shadows { try $0.newestChange() } == number)
    }

    @Test func aShadowOfTheCloudArrivesAndADeletedOneLeavesNothing() throws {
        let core = try shadowDatabase()
        let cloud = try shadowDatabase()
        let hall = try key("hall")
        let there = try cloud.shadows(.cloud) { try $0.update(hall, try report(1)) }.step.after
        try core.shadows(by: "cloud") {
            try $0.apply(CloudShadow(there), to: hall, direction: .both, core: "c")
        }
        let here = try #require(try core.shadows { try $0.record(hall) })
        #expect(here.shadow.incarnation == there.incarnation)
        #expect(!here.isDirty)
        let gone = try cloud.shadows(.cloud) { try $0.delete(hall) }.step.after
        try core.shadows(by: "cloud") {
            try $0.apply(CloudShadow(gone), to: hall, direction: .both, core: "c")
        }
        #expect(try core.shadows { try $0.record(hall)?.shadow.isDeleted } == true)
        // A deletion of what never was here is not entered at all.
        let yard = try key("yard")
        try core.shadows { try $0.apply(CloudShadow(gone), to: yard, direction: .both, core: "c") }
        #expect(try core.shadows { try $0.record(yard) } == nil)
    }

    @Test func aProblemIsSaidUntilTheNextVersion() throws {
        let core = try shadowDatabase()
        let hall = try key("hall")
        let first = try core.shadows { try $0.update(hall, try report(1)) }.step.after
        try core.shadows { try $0.fail(hall, version: first.shadowVersion, problem: "too large") }
        #expect(try core.shadows { try $0.dirty(limit: 9) }.isEmpty)
        #expect(try core.shadows { try $0.summary(hall)?.sync.problem } == "too large")
        let second = try core.shadows { try $0.update(hall, try report(2)) }.step.after
        #expect(try core.shadows { try $0.dirty(limit: 9) }.count == 1)
        try core.shadows { try $0.sending(second, of: hall) }
        try core.shadows {
            try $0.accepted(second.shadowVersion, of: hall, cloudVersion: 1, direction: .both)
        }
        #expect(try core.shadows { try $0.summary(hall)?.sync.problem } == nil)
        // Something that is settled without the cloud.
        let third = try core.shadows { try $0.update(hall, try report(3)) }.step.after
        try core.shadows { try $0.settle(hall, version: second.shadowVersion) }
        #expect(try core.shadows { try $0.dirty(limit: 9) }.count == 1)
        try core.shadows { try $0.settle(hall, version: third.shadowVersion) }
        #expect(try core.shadows { try $0.dirty(limit: 9) }.isEmpty)
    }

    @Test func anotherCloudBeginsAnew() throws {
        let core = try shadowDatabase()
        let (one, two) = (Data(repeating: 1, count: 16), Data(repeating: 2, count: 16))
        let hall = try key("hall")
        let first = try core.shadows { try $0.update(hall, try report(1)) }.step.after
        try core.shadows { shadows in
            #expect(try shadows.cloudPosition() == nil)
            try shadows.setCloudPosition(database: one, takenChange: 7)
            try shadows.markRead(thing: "hall")
            try shadows.sending(first, of: hall)
            try shadows.accepted(first.shadowVersion, of: hall, cloudVersion: 3, direction: .both)
            #expect(try shadows.thingsRead() == ["hall"])
            #expect(try shadows.dirty(limit: 9).isEmpty)
            try shadows.beginAnew(database: two, newestChange: 4)
            #expect(try shadows.thingsRead().isEmpty)
            #expect(try shadows.base(of: hall) == .none)
            #expect(try shadows.dirty(limit: 9).count == 1)
            let position = try #require(try shadows.cloudPosition())
            #expect(position.database == two)
            #expect(position.takenChange == 4)
        }
    }

    @Test func aRestoredDatabaseGetsAnotherName() throws {
        let cloud = try shadowDatabase()
        let before = try cloud.shadows(.cloud) { try $0.databaseName() }
        #expect(before.count == 16)
        try cloud.shadows(.cloud) { try $0.rename() }
        #expect(try cloud.shadows(.cloud) { try $0.databaseName() } != before)
    }

    /// What is asked often uses an index, however many shadows there are.
    @Test func whatIsAskedOftenScansNoTable() throws {
        let database = try shadowDatabase()
        for sql in [
            "SELECT thing, name FROM shadow WHERE dirty = 1 AND change > 5 ORDER BY change",
            "SELECT change, thing, name FROM shadow WHERE change > 5 ORDER BY change LIMIT 10",
            "SELECT thing, name FROM shadow WHERE thing = 'a' AND (name > '' OR 1) ORDER BY name LIMIT 5",
            "SELECT change FROM shadow_history WHERE shadow = 5 ORDER BY change DESC LIMIT 1 OFFSET 9",
            """
            SELECT update_time, change, id FROM shadow WHERE deleted = 1 AND (update_time, change) > (1, 2)
            AND update_time <= 9 ORDER BY update_time, change LIMIT 5
            """,
        ] {
            let plan = try database.read { db in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql).map { $0["detail"] as String }
            }
            #expect(plan.allSatisfy { !$0.hasPrefix("SCAN") && !$0.contains("TEMP B-TREE") }, "\(plan)")
        }
    }
}
