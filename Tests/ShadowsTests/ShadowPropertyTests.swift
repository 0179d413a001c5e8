import Shadows
import TestSupport
import Testing

/// What holds for random histories.
@Suite struct ShadowPropertyTests {
    private static let limits = ShadowLimits(documentBytes: 1_000_000, depth: 12)

    /// A random patch of few keys, so that patches meet.
    private static func patch(_ depth: Int, _ random: inout SeededGenerator) -> [String: JSONValue] {
        var patch: [String: JSONValue] = [:]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let key = ["a", "b", "c", "d"].randomElement(using: &random)!
            switch Int.random(in: 0..<8, using: &random) {
            case 0, 1: patch[key] = .null
            case 2: patch[key] = .array([.integer(.random(in: 0...2, using: &random))])
            case 3: patch[key] = .number(Double(Int.random(in: 0...2, using: &random)))
            case 4, 5: patch[key] = depth > 0 ? .object(Self.patch(depth - 1, &random)) : .bool(true)
            default: patch[key] = .integer(.random(in: 0...2, using: &random))
            }
        }
        return patch
    }

    private static func update(_ random: inout SeededGenerator) -> ShadowUpdate {
        let desired = Bool.random(using: &random) ? patch(3, &random) : nil
        let reported = desired == nil || Bool.random(using: &random) ? patch(3, &random) : nil
        return try! ShadowUpdate(desired: desired, reported: reported, limits: limits)
    }

    /// Runs random histories of updates and deletions, and looks at each step.
    private static func histories(
        seed: UInt64, _ look: (_ change: ShadowChange, _ random: inout SeededGenerator) throws -> Void
    ) rethrows {
        for history in 0..<300 {
            var random = SeededGenerator(seed: seed &+ UInt64(history))
            var stored: StoredShadow?
            var now: Int64 = 1_700_000_000_000_000
            for _ in 0..<20 {
                now += Int64.random(in: -3_600_000_000...7_200_000_000, using: &random)
                let change: ShadowChange
                if Int.random(in: 0..<10, using: &random) == 0,
                    let deletion = try? ShadowRules.delete(stored, now: now)
                {
                    change = deletion
                } else {
                    change = try! ShadowRules.update(
                        stored, update(&random), now: now, limits: limits,
                        newIncarnation: .random(using: &random))
                }
                stored = change.after
                try look(change, &random)
            }
        }
    }

    @Test func theDeltaAppliedToReportedGivesDesiredOnItsKeys() {
        Self.histories(seed: 100) { change, _ in
            guard let document = change.after.document else { return }
            let delta = document.deltaState
            #expect(document.hasDelta == !delta.isEmpty)
            let reached = JSONValue.object(document.reported ?? [:]).merging(.object(delta))
            let left = ShadowDocument.delta(of: document.desired ?? [:], against: reached.members ?? [:])
            #expect(left.isEmpty, "\(document.stateText) leaves \(left)")
            #expect(reached.contains(.object(document.desired ?? [:])), "\(document.stateText)")
        }
    }

    @Test func applyingAnUpdateTwiceChangesNothingMore() throws {
        try Self.histories(seed: 200) { change, random in
            let update = Self.update(&random)
            let once = try ShadowRules.update(
                change.after, update, now: 0, limits: Self.limits, newIncarnation: .fixture()
            ).after
            let twice = try ShadowRules.update(
                once, update, now: 0, limits: Self.limits, newIncarnation: .fixture()
            ).after
            #expect(once.document?.state == twice.document?.state)
            #expect(once.document?.metadata == twice.document?.metadata)
            #expect(twice.version == once.version + 1)
        }
    }

    @Test func updatesOfDifferentKeysMayComeInAnyOrder() throws {
        try Self.histories(seed: 250) { change, random in
            let first = try ShadowUpdate(desired: ["a": .object(Self.patch(2, &random))], reported: nil)
            let second = try ShadowUpdate(
                desired: ["b": .object(Self.patch(2, &random))], reported: ["a": .integer(1)])
            let apply = { (updates: [ShadowUpdate]) in
                try updates.reduce(change.after) {
                    try ShadowRules.update(
                        $0, $1, now: 0, limits: Self.limits, isSynced: true, newIncarnation: .fixture()
                    ).after
                }
            }
            #expect(try apply([first, second]) == apply([second, first]))
        }
    }

    @Test func versionsGrowAndIncarnationsAreNew() {
        Self.histories(seed: 300) { change, _ in
            let before = change.before
            if before?.incarnation == change.after.incarnation {
                #expect(change.after.version == (before?.version ?? 0) + 1)
            } else {
                #expect(before?.document == nil)
            }
        }
    }

    @Test func documentsAreReadAsTheyAreWritten() throws {
        try Self.histories(seed: 400) { change, _ in
            guard let document = change.after.document else { return }
            let read = try ShadowDocument(
                state: document.stateText.utf8, metadata: document.metadataText.utf8,
                version: document.version,
                incarnation: document.incarnation, updateTime: document.updateTime)
            #expect(read == document)
            // Sections are never empty, and the metadata has the shape of the state.
            #expect(document.desired?.isEmpty != true && document.reported?.isEmpty != true)
            #expect(
                document.metadata
                    == ShadowDocument(
                        desired: document.desired, reported: document.reported, metadata: document.metadata,
                        version: 1, incarnation: document.incarnation, updateTime: 0
                    ).metadata)
            let size =
                (document.desired.map { JSONValue.object($0).text.utf8.count } ?? 0)
                + (document.reported.map { JSONValue.object($0).text.utf8.count } ?? 0)
            #expect(document.stateBytes == size)
            let answer = try JSONValue(parsing: document.getResponse())
            #expect(answer["state"]?["desired"]?.members == document.desired)
            #expect(answer["version"] == .integer(Int64(document.version)))
        }
    }

    @Test func mergingWithoutAChangeOnOneSideTakesTheOther() {
        Self.histories(seed: 500) { change, random in
            guard let base = change.after.document else { return }
            let other = try! ShadowRules.update(
                change.after, Self.update(&random), now: 0, limits: Self.limits, newIncarnation: .fixture()
            ).after.document!
            for merge in [
                ShadowMerge(base: base, core: other, cloud: base),
                ShadowMerge(base: base, core: base, cloud: other),
                ShadowMerge(base: base, core: other, cloud: other),
                ShadowMerge(base: nil, core: other, cloud: other),
            ] {
                #expect(merge.conflicts.isEmpty)
                #expect(JSONValue.areSame(merge.desired, other.desired ?? [:]))
                #expect(JSONValue.areSame(merge.reported, other.reported ?? [:]))
            }
            let third = try! ShadowRules.update(
                change.after, Self.update(&random), now: 0, limits: Self.limits, newIncarnation: .fixture()
            ).after.document!
            // Merging what came of it again changes nothing.
            let merge = ShadowMerge(base: base, core: other, cloud: third)
            let merged = ShadowDocument(
                desired: merge.desired, reported: merge.reported, version: 1, incarnation: base.incarnation,
                updateTime: 0)
            let again = ShadowMerge(base: third, core: merged, cloud: third)
            #expect(JSONValue.areSame(again.desired, merge.desired))
            #expect(JSONValue.areSame(again.reported, merge.reported))
        }
    }
}
