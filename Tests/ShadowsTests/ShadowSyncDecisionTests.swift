import Shadows
import Testing

/// Single decisions; the model test has the histories.
@Suite struct ShadowSyncDecisionTests {
    private func document(
        _ reported: [String: JSONValue], version: UInt64 = 1, incarnation: UInt8 = 1
    ) -> StoredShadow {
        .present(.fixture(reported: reported, version: version, incarnation: incarnation))
    }

    private func tombstone(version: UInt64, incarnation: UInt8 = 1) -> StoredShadow {
        .deleted(ShadowTombstone(incarnation: .fixture(incarnation), version: version, deleteTime: 0))
    }

    private func decide(
        _ base: ShadowBase, core: StoredShadow?, cloud: StoredShadow?, taken: ShadowVersion? = nil,
        _ direction: ShadowDirection = .both
    ) -> ShadowSyncDecision {
        ShadowSyncDecision.make(
            base: base, core: core, cloud: CloudShadow(cloud, core: taken), direction: direction, now: 5,
            newIncarnation: .fixture(9))
    }

    @Test func anAnswerThatWasLostIsNoConflict() {
        // The core sent 1, heard nothing, and wrote 2; somebody else wrote another key in the cloud.
        let sent = document(["a": .integer(1)], version: 1)
        let base = ShadowBase.none.sending(sent)
        let core = document(["a": .integer(2)], version: 2)
        let cloud = document(["a": .integer(1), "b": .integer(3)], version: 2)
        let decision = decide(base, core: core, cloud: cloud, taken: sent.shadowVersion)
        #expect(decision.conflicts.isEmpty)
        #expect(decision.core?.document?.stateText == #"{"reported":{"a":2,"b":3}}"#)
        #expect(decision.core?.version == 3)
        #expect(decision.pushes)
        #expect(decision.base == ShadowBase(cloud: cloud))
        // Without that memory it would be one.
        #expect(decide(.none, core: core, cloud: cloud).conflicts.map(\.path) == ["reported/a"])
    }

    @Test func anAnswerThatComesTooLateSaysNothing() {
        let first = document(["a": .integer(1)], version: 1)
        let second = document(["a": .integer(2)], version: 2)
        let base = ShadowBase.none.sending(first)
        #expect(base.accepted(first.shadowVersion, cloudVersion: 7)?.cloud?.version == 7)
        #expect(base.accepted(second.shadowVersion, cloudVersion: 7) == nil)
        #expect(base.notTaken.accepted(first.shadowVersion, cloudVersion: 7) == nil)
    }

    @Test func whatIsTakenAlreadyIsNoNews() {
        let base = ShadowBase(cloud: document(["a": .integer(1)], version: 5))
        #expect(!base.isNews(document([:], version: 5)))
        #expect(!base.isNews(document([:], version: 4)))
        #expect(base.isNews(document([:], version: 6)))
        #expect(base.isNews(tombstone(version: 6)))
        #expect(base.isNews(document([:], version: 1, incarnation: 2)))
        #expect(base.isNews(nil))
        #expect(!ShadowBase.none.isNews(nil))
    }

    @Test func aDeletionWinsOverAnEditAndNamesIt() {
        let base = ShadowBase(cloud: document(["a": .integer(1)], version: 5))
        let edited = document(["a": .integer(2)], version: 8)
        let decision = decide(base, core: edited, cloud: tombstone(version: 6))
        #expect(decision.core?.isDeleted == true)
        #expect(decision.core?.version == 9)
        #expect(!decision.pushes)
        #expect(decision.conflicts.first?.path == "")
        #expect(decision.conflicts.first?.winner == .cloud)
        #expect(decision.conflicts.first?.coreVersion == 8)
        #expect(decision.conflicts.first?.cloudVersion == 6)
        // The other way round, the cloud has to be told.
        let other = decide(base, core: tombstone(version: 8), cloud: document(["a": .integer(2)], version: 6))
        #expect(other.core == nil)
        #expect(other.pushes)
        #expect(other.conflicts.first?.winner == .core)
        #expect(other.base.expected == document([:], version: 6).shadowVersion)
    }

    @Test func aCloudThatForgotADeletionLetsTheCoreCreateAgain() {
        let base = ShadowBase(cloud: tombstone(version: 6))
        let created = document(["a": .integer(1)], version: 9, incarnation: 2)
        let decision = decide(base, core: created, cloud: nil)
        #expect(decision.core == nil)
        #expect(decision.pushes)
        #expect(decision.base.expected == nil)
    }

    @Test func oneWayWhatTheCloudDeletedIsCreatedAgainUnderANewName() {
        let base = ShadowBase(cloud: document(["a": .integer(1)], version: 5))
        let core = document(["a": .integer(1)], version: 8)
        let decision = decide(base, core: core, cloud: tombstone(version: 6), .toCloud)
        #expect(decision.core?.incarnation == .fixture(9))
        #expect(decision.core?.version == 9)
        #expect(decision.core?.document?.stateText == core.document?.stateText)
        #expect(decision.pushes)
        let edge = decide(
            base, core: tombstone(version: 8), cloud: document(["a": .integer(2)], version: 6), .toEdge)
        #expect(edge.core?.document?.stateText == #"{"reported":{"a":2}}"#)
        #expect(!edge.pushes)
    }

    @Test func theCloudComparesAndSwaps() {
        let stored = document(["a": .integer(1)], version: 5)
        let sent = document(["a": .integer(2)], version: 70, incarnation: 2)
        let apply = { (expected: ShadowVersion?, stored: StoredShadow?, limit: Int) in
            ShadowPush.apply(
                sent, expected: expected, to: stored, limits: ShadowLimits(documentBytes: limit), now: 5)
        }
        guard case .accepted(let swapped) = apply(stored.shadowVersion, stored, 100) else {
            Issue.record("refused")
            return
        }
        #expect(swapped.version == 6)
        #expect(swapped.incarnation == .fixture(2))
        #expect(swapped.document?.hasSameState(as: sent.document!) == true)
        // A deletion is of what the cloud has, whatever the core's was called; both sides count on that.
        let deletion = tombstone(version: 71, incarnation: 2)
        let outcome = ShadowPush.apply(
            deletion, expected: stored.shadowVersion, to: stored, limits: .cloud, now: 5)
        let settled = ShadowBase(cloud: stored).sending(deletion).accepted(
            deletion.shadowVersion, cloudVersion: 6)
        #expect(settled?.expected == ShadowVersion(incarnation: .fixture(1), version: 6))
        guard case .accepted(let deleted) = outcome else {
            Issue.record("refused")
            return
        }
        #expect(deleted.shadowVersion == settled?.expected)
        #expect(apply(nil, stored, 100) == .refused)
        #expect(apply(stored.shadowVersion, nil, 100) == .refused)
        #expect(apply(document([:], version: 5, incarnation: 2).shadowVersion, stored, 100) == .refused)
        #expect(apply(stored.shadowVersion, stored, 6) == .tooLarge(bytes: 7))
        #expect(apply(nil, nil, 100) == .accepted(sent.with(version: 1).touched(5)))
    }
}

extension StoredShadow {
    /// The same with the time of a change.
    fileprivate func touched(_ time: Int64) -> StoredShadow {
        guard case .present(var document) = self else { return self }
        document.updateTime = time
        return .present(document)
    }
}
