import Foundation
import GRDB
import Shadows
import TestSupport
import Testing

@testable import ShadowStore

/// What those who follow read, page by page.
@Suite struct ShadowEventTests {
    /// Follows until there is nothing more.
    private func follow(
        _ database: DatabaseQueue, _ scope: ShadowScope, after last: Int64, limit: Int = 3, depth: Int = 20
    ) throws -> (events: [ShadowEvent], last: Int64) {
        var (events, position): ([ShadowEvent], Int64) = ([], last)
        while true {
            let page = try database.shadows(depth: depth) {
                try $0.events(scope, after: position, limit: limit)
            }
            events += page.events
            position = page.last
            if page.isAtEnd { return (events, position) }
        }
    }

    private func set(
        _ database: DatabaseQueue, _ key: ShadowKey, _ value: Int, depth: Int = 20
    ) throws {
        try database.shadows(depth: depth) {
            try $0.update(key, try update(#"{"state":{"reported":{"n":\#(value)}}}"#))
        }
    }

    private func describe(_ event: ShadowEvent) -> String {
        let kind =
            switch event.kind {
            case .present: "present"
            case .changed: "changed"
            case .skipped: "skipped"
            }
        return "\(kind) \(event.key) \(event.shadow.version)"
    }

    @Test func everyChangeIsToldOnceInItsOrder() throws {
        let database = try shadowDatabase()
        let (a, b, named) = try (key("a"), key("b"), key("a", "n"))
        for (index, key) in [a, b, named, a, a, b].enumerated() { try set(database, key, index) }
        try database.shadows { try $0.delete(b) }
        let all = try follow(database, .all, after: 0)
        #expect(
            all.events.map(describe) == [
                "changed a 1", "changed b 1", "changed a~n 1", "changed a 2", "changed a 3", "changed b 2",
                "changed b 3",
            ])
        #expect(all.events.map(\.change) == Array(1...7))
        #expect(
            try follow(database, .thing("a"), after: 0).events.map(describe) == [
                "changed a 1", "changed a~n 1", "changed a 2", "changed a 3",
            ])
        #expect(
            try follow(database, .shadow(b), after: 2).events.map(describe) == ["changed b 2", "changed b 3"])
        guard case .changed(let step)? = all.events[4].kind as ShadowEvent.Kind? else {
            Issue.record("no change")
            return
        }
        #expect(step.before?.version == 2)
        #expect(step.documentsText?.contains(#""previous":{"metadata""#) == true)
        #expect(try follow(database, .all, after: all.last).events.isEmpty)
    }

    @Test func oneWhoIsTooSlowIsToldSo() throws {
        let database = try shadowDatabase()
        let (a, b) = try (key("a"), key("b"))
        try set(database, b, 0, depth: 3)
        for index in 1...10 { try set(database, a, index, depth: 3) }
        // One shadow: what it is now, and nothing of before.
        let one = try follow(database, .shadow(a), after: 2, depth: 3)
        #expect(one.events.map(describe) == ["skipped a 10"])
        #expect(try follow(database, .shadow(a), after: one.last, depth: 3).events.isEmpty)
        // Many: the gap, and what came behind it, with nothing told twice or left out.
        let many = try follow(database, .all, after: 0, depth: 3)
        #expect(
            many.events.map(describe) == [
                "changed b 1", "skipped a 7", "changed a 8", "changed a 9", "changed a 10",
            ])
    }

    @Test func theBeginningTellsEachDocumentOnce() throws {
        let database = try shadowDatabase()
        let keys = try (0..<7).map { try key("t\($0)") }
        for (index, key) in keys.enumerated() { try set(database, key, index) }
        try database.shadows { try $0.delete(keys[3]) }
        let moment = try database.shadows { try $0.newestChange() }
        var (told, last, events): ([ShadowEvent], Int64, [ShadowEvent]) = ([], 0, [])
        var round = 0
        while true {
            let page = try database.shadows { try $0.present(.all, after: last, asOf: moment, limit: 2) }
            told += page.events
            last = page.last
            if page.isAtEnd { break }
            // Others write meanwhile: what was to be told is told as it was, and the change as an event.
            round += 1
            try set(database, keys[6], 100 + round)
            try set(database, keys[0], 100 + round)
        }
        #expect(told.map(\.key) == [keys[0], keys[1], keys[2], keys[4], keys[5], keys[6]])
        #expect(told.allSatisfy { $0.shadow.version == 1 })
        events = try follow(database, .all, after: moment).events
        #expect(events.count == round * 2)
        #expect(
            events.filter { $0.key == keys[6] }.map(\.shadow.version) == (2..<2 + UInt64(round)).map { $0 })
    }

    @Test func aShadowThatRanAwayWhileTheBeginningIsToldIsAGap() throws {
        let database = try shadowDatabase()
        let (a, b) = try (key("a"), key("b"))
        try set(database, a, 0, depth: 2)
        try set(database, b, 0, depth: 2)
        let moment = try database.shadows { try $0.newestChange() }
        for index in 1...9 { try set(database, a, index, depth: 2) }
        let page = try database.shadows(depth: 2) { try $0.present(.all, after: 0, asOf: moment) }
        #expect(page.events.map(describe) == ["present b 1"])
        let rest = try follow(database, .all, after: moment, depth: 2)
        #expect(rest.events.map(describe) == ["skipped a 8", "changed a 9", "changed a 10"])
    }

    /// Random writers, slow readers: for each reader and shadow the versions told are ascending, and wherever one is
    /// missing there is a `skipped` before it.
    @Test func randomHistoriesAreToldWithoutGapsAndRepeats() throws {
        let seed =
            ProcessInfo.processInfo.environment["HEDGEROW_SHADOW_SEED"].flatMap(UInt64.init)
            ?? .random(in: 0..<1 << 32)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let database = try shadowDatabase()
            let keys = try (0..<4).map { try key("t\($0 % 2)", $0 < 2 ? "" : "n") }
            let depth = Int.random(in: 1...6, using: &random)
            var last: Int64 = 0
            var versions: [ShadowKey: UInt64] = [:]
            for _ in 0..<60 {
                for _ in 0..<Int.random(in: 0..<12, using: &random) {
                    try set(database, keys.randomElement(using: &random)!, 1, depth: depth)
                }
                let limit = Int.random(in: 1...8, using: &random)
                let page = try database.shadows(depth: depth) {
                    try $0.events(.all, after: last, limit: limit)
                }
                for event in page.events {
                    let before = versions[event.key] ?? 0
                    if case .changed = event.kind {
                        #expect(event.shadow.version == before + 1, "seed \(seed)")
                    } else {
                        #expect(event.shadow.version > before, "seed \(seed)")
                    }
                    versions[event.key] = event.shadow.version
                }
                last = page.last
            }
            let rest = try follow(database, .all, after: last, depth: depth)
            for event in rest.events { versions[event.key] = event.shadow.version }
            for key in keys {
                #expect(
                    try database.shadows { try $0.record(key)?.shadow.version } == versions[key],
                    "seed \(seed)")
            }
        }
    }
}
