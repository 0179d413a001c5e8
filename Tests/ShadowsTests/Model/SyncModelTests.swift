import Foundation
import Shadows
import TestSupport
import Testing

/// Random histories of a core and a cloud. `HEDGEROW_SHADOW_HISTORIES` says how many, `HEDGEROW_SHADOW_SEED` with which
/// seed the first begins; a failure names its own.
@Suite struct SyncModelTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let histories = environment["HEDGEROW_SHADOW_HISTORIES"].flatMap(UInt64.init) ?? 2_000
    private static let firstSeed =
        environment["HEDGEROW_SHADOW_SEED"].flatMap(UInt64.init) ?? .random(in: 0..<1 << 32)

    /// Runs histories until one fails.
    private func run(_ part: UInt64, _ history: (UInt64) -> String?) {
        for seed in Self.firstSeed..<Self.firstSeed + max(1, Self.histories / part) {
            guard let fault = history(seed) else { continue }
            Issue.record("HEDGEROW_SHADOW_SEED=\(seed) HEDGEROW_SHADOW_HISTORIES=1: \(fault)")
            return
        }
    }

    @Test func bothSidesConvergeWhateverBreaksWhen() { run(1) { Self.chaos(seed: $0, .both) } }

    @Test func theCloudFollowsTheCore() { run(4) { Self.chaos(seed: $0, .toCloud) } }

    @Test func theCoreFollowsTheCloud() { run(4) { Self.chaos(seed: $0, .toEdge) } }

    @Test func whoWinsIsAsTheRulesSay() { run(1) { Self.rounds(seed: $0) } }

    @Test func withoutTheMemoryOfWhatWasSentAnAnswerThatIsLostMakesConflicts() {
        let faults = (0..<300).compactMap { Self.chaos(seed: $0, .both, remembersPending: false) }
        #expect(!faults.isEmpty)
    }

    /// Edits, deletions, re-creations, cuts, crashes and clocks in any order. Shadow 0 and 1 are never deleted, and on
    /// them each leaf `c…` is written by the core only, each `k…` by the cloud only: these have to survive, without a
    /// conflict.
    private static func chaos(
        seed: UInt64, _ direction: ShadowDirection, remembersPending: Bool = true
    ) -> String? {
        var world = ModelWorld(seed: seed, direction: direction)
        world.core.remembersPending = remembersPending
        var expected: [Int: LeafMap] = [0: LeafMap(), 1: LeafMap()]
        for _ in 0..<Int.random(in: 10...120, using: &world.random) {
            switch Int.random(in: 0..<100, using: &world.random) {
            case 0..<40: edit(&world, &expected)
            case 40..<88: _ = world.step()
            case 88..<93: world.cut()
            case 93..<95:
                world.core.send(&world.channel, crashesBefore: true)
                world.cut()
            case 95..<98: world.jumpClocks()
            default: world.purge()
            }
        }
        guard world.settle() else { return "the sync does not come to an end" }
        world.purge()
        if let fault = quiet(&world, shadows: 0..<4) { return fault }
        guard direction == .both else { return nil }
        for (shadow, leaves) in expected.sorted(by: { $0.key < $1.key }) {
            let got = LeafMap(world.core[shadow]).leaves.filter { isOwned($0.key) }
            if got != leaves.leaves { return "shadow \(shadow): owned leaves \(got), not \(leaves.leaves)" }
            if let conflict = world.core.conflicts.first(where: { $0.shadow == shadow && isOwned($0.1.path) })
            {
                return "a conflict that is none: \(conflict)"
            }
        }
        return nil
    }

    private static func isOwned(_ path: String) -> Bool {
        path.split(separator: "/").last.map { $0.hasPrefix("c") || $0.hasPrefix("k") } ?? false
    }

    private static func edit(_ world: inout ModelWorld, _ expected: inout [Int: LeafMap]) {
        let shadow = Int.random(in: 0..<4, using: &world.random)
        let side = world.chance(50) ? ModelWorld.Side.core : .cloud
        if shadow >= 2, world.chance(20) {
            world.delete(side, shadow)
            return
        }
        let section = world.chance(50) ? "desired" : "reported"
        let isShared = world.chance(30)
        let leaf =
            (isShared ? "x" : side == .core ? "c" : "k") + "\(Int.random(in: 0..<3, using: &world.random))"
        let path = world.chance(40) ? ["n", leaf] : [leaf]
        let value = world.chance(20) ? nil : world.value()
        world.write(side, shadow, section, path, value)
        if !isShared { expected[shadow]?.leaves[([section] + path).joined(separator: "/")] = value }
    }

    /// What has to hold when both sides are quiet.
    private static func quiet(_ world: inout ModelWorld, shadows: Range<Int>) -> String? {
        if let fault = world.core.versions.fault { return "core: \(fault)" }
        if let fault = world.cloud.versions.fault { return "cloud: \(fault)" }
        for shadow in shadows {
            if let difference = world.difference(shadow) { return difference }
        }
        // Both are the same: the next stream carries no document.
        let documents = world.channel.documents
        let messages = world.channel.messages
        world.cut()
        guard world.settle() else { return "the sync does not come to an end" }
        if world.channel.documents != documents {
            return "documents were sent though both sides are the same"
        }
        if world.channel.messages > messages + 4 { return "more than four messages though both are the same" }
        return nil
    }

    /// Rounds: both sides change apart from each other, come together (with faults), and have to be what the rules say
    /// of what they were.
    private static func rounds(seed: UInt64) -> String? {
        var world = ModelWorld(seed: seed)
        for round in 0..<4 {
            let base = world.core[0]
            if world.chance(20) {
                world.jumpClocks()
                world.purge()
            }
            for side in ModelWorld.Side.allCases {
                for _ in 0..<Int.random(in: 0...4, using: &world.random) { change(side, &world) }
            }
            let mine = world.core[0]
            let theirs = world.cloud[0]
            let (wanted, conflicts) = reference(base: base, core: mine, cloud: theirs)
            let known = world.core.conflicts.count
            guard world.settle(faults: 4) else { return "round \(round): the sync does not come to an end" }
            if let fault = quiet(&world, shadows: 0..<1) { return "round \(round): \(fault)" }
            let story =
                "round \(round): base \(ModelWorld.text(base)), core \(ModelWorld.text(mine)), "
                + "cloud \(ModelWorld.text(theirs)): "
            let got = world.core[0]?.document.map { LeafMap(.present($0)) }
            if got != wanted {
                return story + "\(got?.leaves ?? [:]) instead of \(wanted?.leaves ?? [:])"
            }
            let found = world.core.conflicts[known...].map { $0.1.path }.sorted()
            if found != conflicts.sorted() {
                return story + "conflicts \(found) instead of \(conflicts.sorted())"
            }
            world.cut()
        }
        return nil
    }

    private static func change(_ side: ModelWorld.Side, _ world: inout ModelWorld) {
        if world.chance(20) { return world.delete(side, 0) }
        let path = [["a"], ["b"], ["n", "x"], ["n", "y"]].randomElement(using: &world.random)!
        let section = world.chance(50) ? "desired" : "reported"
        let value = world.chance(20) ? nil : world.chance(20) ? JSONValue.integer(-1) : world.value()
        world.write(side, 0, section, path, value)
    }

    /// What has to come of it, and the paths of the conflicts; nil for a shadow that is not there.
    private static func reference(
        base: StoredShadow?, core: StoredShadow?, cloud: StoredShadow?
    ) -> (LeafMap?, [String]) {
        let old = base?.document.map { LeafMap(.present($0)) }
        let mine = core?.document.map { LeafMap(.present($0)) }
        let theirs = cloud?.document.map { LeafMap(.present($0)) }
        // Whether a side still has the creation that both had.
        let coreKept = base?.document != nil && core?.document?.incarnation == base?.incarnation
        let cloudKept = base?.document != nil && cloud?.document?.incarnation == base?.incarnation
        switch (mine, theirs) {
        case (nil, nil): return (nil, [])
        case (let mine?, nil):
            // The cloud deleted it, or the core made it.
            return coreKept ? (nil, mine == old ? [] : [""]) : (mine, [])
        case (nil, let theirs?): return cloudKept ? (nil, theirs == old ? [] : [""]) : (theirs, [])
        case (let mine?, let theirs?):
            if coreKept, cloudKept {
                let (merged, conflicts) = LeafMap.merge(base: old ?? LeafMap(), core: mine, cloud: theirs)
                return (merged, Array(conflicts))
            }
            if coreKept { return (theirs, mine == old ? [] : [""]) }
            if cloudKept { return (mine, theirs == old ? [] : [""]) }
            let (merged, conflicts) = LeafMap.merge(base: LeafMap(), core: mine, cloud: theirs)
            return (merged, Array(conflicts))
        }
    }
}
