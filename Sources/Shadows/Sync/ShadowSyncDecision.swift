/// What a core does with a document that the cloud tells: the whole rule of the sync, without a clock.
///
/// All of it happens in one local transaction; then, while ``ShadowBase/isDirty(_:direction:)``, the core sends what it
/// has, expecting ``ShadowBase/expected``.
public struct ShadowSyncDecision: Hashable, Sendable {
    /// What the core has to have, with its next version; nil where it stays as it is.
    public let core: StoredShadow?
    /// The new base.
    public let base: ShadowBase
    /// Whether the cloud has to be written afterwards: ``ShadowBase/isDirty(_:direction:)`` of both.
    public let pushes: Bool
    /// What both sides had changed.
    public let conflicts: [ShadowConflict]

    /// Decides.
    ///
    /// - Parameters:
    ///   - base: What the core knows; ``ShadowBase/none`` where it knows nothing, or where the cloud has another
    ///     database than the base is of.
    ///   - core: What the core has; nil for nothing.
    ///   - cloud: What the cloud has.
    ///   - direction: Of the shadow.
    ///   - now: Microseconds since 1970, for what the core has to have.
    ///   - newIncarnation: Names a creation, where the decision is one.
    public static func make(
        base: ShadowBase, core: StoredShadow?, cloud: CloudShadow, direction: ShadowDirection, now: Int64,
        newIncarnation: @autoclosure () -> ShadowIncarnation = .random()
    ) -> ShadowSyncDecision {
        // What was sent and not answered is what both had, once the cloud says that it took it.
        var known = base.cloud
        if let pending = base.pending, let taken = cloud.core, pending.shadowVersion == taken {
            known = pending
        }
        let outcome: Outcome
        switch direction {
        case .both: outcome = merge(known, core, cloud.stored, now)
        case .toCloud: outcome = keepCore(known, core, cloud.stored, newIncarnation)
        case .toEdge: outcome = takeCloud(known, core, cloud.stored)
        }
        let changed = outcome.core.flatMap { value -> StoredShadow? in
            if let core, value.isEquivalent(to: core) { return nil }
            return value.renewed(after: core, now: now)
        }
        let next = ShadowBase(cloud: cloud.stored)
        let conflicts = outcome.conflicts.map { conflict in
            var conflict = conflict
            conflict.coreVersion = core?.version ?? 0
            conflict.cloudVersion = cloud.stored?.version ?? 0
            return conflict
        }
        return ShadowSyncDecision(
            core: changed, base: next, pushes: next.isDirty(changed ?? core, direction: direction),
            conflicts: conflicts)
    }

    /// What the core has to have; nil for what it has.
    private struct Outcome {
        var core: StoredShadow?
        var conflicts: [ShadowConflict] = []

        static let stay = Outcome()
    }

    private static func merge(
        _ base: StoredShadow?, _ core: StoredShadow?, _ cloud: StoredShadow?, _ now: Int64
    ) -> Outcome {
        // A cloud that has nothing says nothing: deletions leave tombstones.
        guard let cloud else { return .stay }
        guard let core else { return cloud.isDeleted ? .stay : Outcome(core: cloud) }
        switch (core, cloud) {
        case (.deleted, .deleted): return .stay
        case (.present(let mine), .present(let theirs)) where mine.incarnation == theirs.incarnation:
            let common = base?.incarnation == mine.incarnation ? base?.document : nil
            return merged(common, mine, theirs, now)
        case (.present(let mine), .present(let theirs)):
            if base?.incarnation == theirs.incarnation { return coreStands(base, core, cloud, recreated) }
            if base?.incarnation == mine.incarnation { return cloudStands(base, core, cloud, recreated) }
            return merged(nil, mine, theirs, now)
        case (.deleted, .present):
            // The core deleted what the cloud still has. Another creation is news to the core.
            if core.incarnation == cloud.incarnation || base?.incarnation == cloud.incarnation {
                return coreStands(base, core, cloud, deleted)
            }
            return Outcome(core: cloud)
        case (.present, .deleted):
            if core.incarnation == cloud.incarnation || base?.incarnation == core.incarnation {
                return cloudStands(base, core, cloud, deleted)
            }
            return .stay
        }
    }

    private static func merged(
        _ base: ShadowDocument?, _ core: ShadowDocument, _ cloud: ShadowDocument, _ now: Int64
    ) -> Outcome {
        let merge = ShadowMerge(base: base, core: core, cloud: cloud)
        let document = ShadowDocument(
            fitting: merge.desired, merge.reported, merge.metadata, version: core.version,
            incarnation: cloud.incarnation, updateTime: now)
        return Outcome(core: .present(document), conflicts: merge.conflicts)
    }

    private static let recreated = "deleted and created again on one side: the new one stands"
    private static let deleted = "deleted on one side: the deletion stands"
    private static let oneWay = "the direction of the sync decides"

    /// The core's stands; that the cloud had been edited meanwhile is noted.
    private static func coreStands(
        _ base: StoredShadow?, _ core: StoredShadow, _ cloud: StoredShadow, _ rule: String
    ) -> Outcome {
        guard isEdited(cloud, since: base) else { return .stay }
        return Outcome(conflicts: [whole(base, core, cloud, .core, rule)])
    }

    /// The cloud's stands; that the core had been edited meanwhile is noted.
    private static func cloudStands(
        _ base: StoredShadow?, _ core: StoredShadow, _ cloud: StoredShadow, _ rule: String
    ) -> Outcome {
        guard isEdited(core, since: base) else { return Outcome(core: cloud) }
        return Outcome(core: cloud, conflicts: [whole(base, core, cloud, .cloud, rule)])
    }

    /// Whether a document has something that the base had not; what is not known to be the same counts as edited.
    private static func isEdited(_ stored: StoredShadow, since base: StoredShadow?) -> Bool {
        guard let document = stored.document else { return false }
        guard let base = base?.document, base.incarnation == document.incarnation else { return true }
        return !document.hasSameState(as: base)
    }

    private static func whole(
        _ base: StoredShadow?, _ core: StoredShadow, _ cloud: StoredShadow, _ winner: ShadowConflict.Side,
        _ rule: String
    ) -> ShadowConflict {
        ShadowConflict(
            path: "", base: base?.document?.state, coreValue: core.document?.state,
            cloudValue: cloud.document?.state, winner: winner, rule: rule)
    }

    /// The core's stands. Where the cloud deleted that creation, it is created again there: what is deleted never
    /// comes back under its old name.
    private static func keepCore(
        _ base: StoredShadow?, _ core: StoredShadow?, _ cloud: StoredShadow?,
        _ newIncarnation: () -> ShadowIncarnation
    ) -> Outcome {
        guard let core, let cloud, !core.isEquivalent(to: cloud) else { return .stay }
        var outcome = coreStands(base, core, cloud, oneWay)
        let isGone =
            core.incarnation == cloud.incarnation
            ? cloud.isDeleted : base?.incarnation == core.incarnation
        if isGone, var document = core.document {
            document.incarnation = newIncarnation()
            outcome.core = .present(document)
        }
        return outcome
    }

    private static func takeCloud(
        _ base: StoredShadow?, _ core: StoredShadow?, _ cloud: StoredShadow?
    ) -> Outcome {
        guard let cloud else { return .stay }
        guard let core else { return cloud.isDeleted ? .stay : Outcome(core: cloud) }
        if core.isEquivalent(to: cloud) { return .stay }
        return cloudStands(base, core, cloud, oneWay)
    }
}

extension StoredShadow {
    /// This, as the next version of what a side has.
    fileprivate func renewed(after own: StoredShadow?, now: Int64) -> StoredShadow {
        let version = (own?.version ?? 0) + 1
        switch self {
        case .present(var document):
            document.version = version
            document.updateTime = now
            return .present(document)
        case .deleted(let tombstone):
            // What this side had is deleted, whatever the other side's was called.
            return .deleted(
                ShadowTombstone(
                    incarnation: own?.incarnation ?? tombstone.incarnation, version: version, deleteTime: now)
            )
        }
    }
}
