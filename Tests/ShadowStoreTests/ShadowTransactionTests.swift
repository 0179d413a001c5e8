import Foundation
import GRDB
import Shadows
import Testing

@testable import ShadowStore

/// Documents, their history and lists, in a real database.
@Suite struct ShadowTransactionTests {
    @Test func anUpdateIsReadBackWithItsVersionAndTime() throws {
        let database = try shadowDatabase()
        let hall = try key("hall")
        let first = try database.shadows {
            try $0.update(hall, try update(#"{"state":{"reported":{"t":20}},"clientToken":"a"}"#))
        }
        #expect(first.step.after.version == 1)
        #expect(first.step.acceptedText.contains(#""clientToken":"a""#))
        #expect(first.step.deltaText == nil)
        let second = try database.shadows(at: seconds(2)) {
            try $0.update(hall, try update(#"{"state":{"desired":{"t":21}}}"#))
        }
        #expect(second.step.after.version == 2)
        #expect(second.step.deltaText?.contains(#""t":21"#) == true)
        #expect(second.number == first.number + 1)
        let document = try database.shadows { try $0.get(hall) }
        #expect(document.stateText == #"{"desired":{"t":21},"reported":{"t":20}}"#)
        #expect(document.version == 2)
        #expect(document.updateTime == seconds(2))
    }

    @Test func whatIsRefusedChangesNothing() throws {
        let database = try shadowDatabase()
        let hall = try key("hall")
        try database.shadows { try $0.update(hall, try update(#"{"state":{"reported":{"t":20}}}"#)) }
        let refusals: [(ShadowError.Code, (ShadowTransaction) throws -> Void)] = [
            (.conflict, { try $0.update(hall, try update(#"{"state":{},"version":7}"#)) }),
            (
                .conditionFalse,
                {
                    try $0.update(
                        hall, try update(#"{"state":{}}"#),
                        condition: try ShadowCondition("state.reported.t < 20.0"))
                }
            ),
            (.conflict, { try $0.delete(hall, version: 3) }),
            (.notFound, { try $0.delete(try key("yard")) }),
            (.notFound, { _ = try $0.get(try key("hall", "named")) }),
            (.tooLarge, { try $0.update(hall, try update(#"{"state":{"reported":{"x":"\#(long)"}}}"#)) }),
        ]
        for (code, work) in refusals {
            let error = try #require(throws: ShadowError.self) {
                try database.shadows(limits: ShadowLimits(documentBytes: 1_000)) { try work($0) }
            }
            #expect(error.code == code)
        }
        #expect(try database.shadows { try $0.newestChange() } == 1)
        #expect(try database.shadows { try $0.get(hall).version } == 1)
    }

    private let long = String(repeating: "x", count: 2_000)

    @Test func deletingAndCreatingAgainGoesOnCounting() throws {
        let database = try shadowDatabase()
        let hall = try key("hall")
        let first = try database.shadows {
            try $0.update(hall, try update(#"{"state":{"reported":{"t":1}}}"#))
        }
        try database.shadows { try $0.delete(hall, clientToken: "d") }
        #expect(try database.shadows { try $0.record(hall)?.shadow.isDeleted } == true)
        let again = try database.shadows {
            try $0.update(hall, try update(#"{"state":{"reported":{"t":2}}}"#))
        }
        #expect(again.step.after.version == 3)
        #expect(again.step.after.incarnation != first.step.after.incarnation)
        let history = try database.shadows { try $0.history(of: hall, limit: 10) }
        #expect(history.map(\.shadow.version) == [3, 2, 1])
        #expect(history.map(\.shadow.isDeleted) == [false, true, false])
    }

    @Test func theHistoryHasTheNewestVersionsAndWhoMadeThem() throws {
        let database = try shadowDatabase()
        let hall = try key("hall")
        for number in 1...12 {
            try database.shadows(depth: 5, by: "operator:o\(number)") {
                try $0.update(hall, try update(#"{"state":{"reported":{"n":\#(number)}}}"#))
            }
        }
        let all = try database.shadows(depth: 5) { try $0.history(of: hall, limit: 100) }
        #expect(all.map(\.shadow.version) == [12, 11, 10, 9, 8])
        #expect(
            all.map(\.author) == [
                "operator:o12", "operator:o11", "operator:o10", "operator:o9", "operator:o8",
            ])
        // Pages go on below the last entry.
        let page = try database.shadows(depth: 5) {
            try $0.history(of: hall, before: all[1].change, limit: 2)
        }
        #expect(page.map(\.shadow.version) == [10, 9])
        // One more is kept, for what was before the oldest, and none beyond that.
        let rows = try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM shadow_history") }
        #expect(rows == 6)
        let known = try database.shadows {
            try $0.history(of: hall, incarnation: all[2].shadow.incarnation, version: 10)
        }
        #expect(known?.document?.stateText == #"{"reported":{"n":10}}"#)
        #expect(
            try database.shadows {
                try $0.history(of: hall, incarnation: all[2].shadow.incarnation, version: 2)
            } == nil)
    }

    @Test func listsGoByThingAndNameTheClassicOneFirst() throws {
        let database = try shadowDatabase()
        let keys = try [key("b"), key("a", "z"), key("a"), key("a", "b"), key("c", "only")]
        try database.shadows { shadows in
            for key in keys { try shadows.update(key, try update(#"{"state":{"desired":{"x":1}}}"#)) }
            try shadows.update(try key("gone"), try update(#"{"state":{"desired":{"x":1}}}"#))
            try shadows.delete(try key("gone"))
        }
        func pages(_ thing: String?) throws -> [ShadowKey] {
            var (found, last): ([ShadowKey], ShadowKey?) = ([], nil)
            while true {
                let page = try database.shadows { try $0.list(thing: thing, after: last, limit: 2) }
                found += page.map(\.key)
                guard let end = page.last else { return found }
                last = end.key
            }
        }
        #expect(try pages(nil) == keys.sorted())
        #expect(try pages("a") == [key("a"), key("a", "b"), key("a", "z")])
        #expect(try pages("c") == [key("c", "only")])
        let summary = try #require(try database.shadows { try $0.summary(try key("b")) })
        #expect(summary.version == 1)
        #expect(summary.size == #"{"x":1}"#.utf8.count)
        #expect(summary.hasDelta)
        #expect(summary.sync == ShadowSyncFacts(core: nil, syncTime: nil, isPending: true, problem: nil))
    }

    @Test func theSizeIsThatOfBothSections() throws {
        let database = try shadowDatabase()
        for text in [
            #"{"desired":{"a":[1,2]},"reported":{"b":"ü"}}"#, #"{"desired":{"a":1}}"#,
            #"{"reported":{"a":1}}"#, "{}",
        ] {
            let applied = try database.shadows {
                try $0.update(try key("t\(text.utf8.count)"), try update(#"{"state":\#(text)}"#))
            }
            let size = try database.shadows { try $0.summary(applied.key)?.size }
            #expect(size == applied.step.after.document?.stateBytes, "\(text)")
        }
    }

    @Test func theDocumentsOfAStepAreThoseOfTheRules() throws {
        let database = try shadowDatabase()
        let hall = try key("hall")
        var before: StoredShadow?
        for text in [
            #"{"state":{"desired":{"t":{"low":1}}},"clientToken":"q\"x"}"#,
            #"{"state":{"reported":{"t":{"low":2}}}}"#,
            #"{"state":null,"clientToken":""}"#,
        ] {
            let applied = try database.shadows(at: seconds(7) + 9) { try $0.update(hall, try update(text)) }
            let change = try ShadowRules.update(
                before, try update(text), now: seconds(7) + 9, limits: .local,
                newIncarnation: applied.step.after.incarnation)
            #expect(applied.step.documentsText == change.documentsText)
            #expect(applied.step.deltaText == change.deltaText)
            #expect(applied.step.acceptedText == change.acceptedText)
            before = change.after
        }
    }

    @Test func deletingAThingsShadowsLeavesNothingOfThem() throws {
        let database = try shadowDatabase()
        try database.shadows { shadows in
            for name in ["", "a", "b"] {
                try shadows.update(try key("hall", name), try update(#"{"state":{"desired":{"x":1}}}"#))
            }
            try shadows.update(try key("yard"), try update(#"{"state":{"desired":{"x":1}}}"#))
            #expect(try shadows.removeAll(of: "hall").count == 3)
            #expect(try shadows.list(thing: nil, after: nil, limit: 10).map(\.key) == [try key("yard")])
        }
        #expect(try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM shadow_history") } == 1)
    }

    @Test func aDamagedRowIsAnErrorAndNotTheEnd() throws {
        let database = try shadowDatabase()
        try database.shadows { try $0.update(try key("hall"), try update(#"{"state":{"desired":{"x":1}}}"#)) }
        for damage in [
            "UPDATE shadow_history SET state = 'no json'", "UPDATE shadow_history SET incarnation = x'00'",
            "UPDATE shadow_history SET version = 'x'", "DELETE FROM shadow_history",
        ] {
            try database.write { try $0.execute(sql: damage) }
            #expect(throws: DamagedShadow.self) { try database.shadows { try $0.get(try key("hall")) } }
        }
    }
}
