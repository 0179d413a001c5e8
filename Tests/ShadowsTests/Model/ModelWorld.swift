import Shadows
import TestSupport

/// A core and a cloud with a stream between them that breaks when the seed says so.
struct ModelWorld {
    enum Side: CaseIterable {
        case core
        case cloud
    }

    var core: ModelCore
    var cloud = ModelCloud()
    var channel = ModelChannel()
    var random: SeededGenerator
    /// Whether both sides go on counting for as long as a deletion is stored; needed where the sync is one way.
    let countsOn: Bool
    /// Values that were written are different from each other.
    private var nextValue: Int64 = 0

    init(seed: UInt64, direction: ShadowDirection = .both) {
        core = ModelCore(direction: direction)
        countsOn = direction != .both || seed % 2 == 0
        random = SeededGenerator(seed: seed)
    }

    func stored(_ side: Side, _ shadow: Int) -> StoredShadow? {
        side == .core ? core[shadow] : cloud[shadow]
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func value() -> JSONValue {
        nextValue += 1
        return chance(10) ? .number(Double(nextValue)) : .integer(nextValue)
    }

    /// Writes a leaf or, with nil, deletes it.
    mutating func write(_ side: Side, _ shadow: Int, _ section: String, _ path: [String], _ value: JSONValue?)
    {
        let patch = path.reversed().reduce(value ?? .null) { .object([$1: $0]) }.members ?? [:]
        let update = try! ShadowUpdate(
            desired: section == "desired" ? patch : nil, reported: section == "reported" ? patch : nil)
        let now = side == .core ? core.now : cloud.now
        let change = try! ShadowRules.update(
            stored(side, shadow), update, now: now, limits: .local, isSynced: countsOn,
            newIncarnation: .random(using: &random))
        store(side, shadow, change.after)
    }

    /// Deletes a shadow, where it is there.
    mutating func delete(_ side: Side, _ shadow: Int) {
        let now = side == .core ? core.now : cloud.now
        guard let change = try? ShadowRules.delete(stored(side, shadow), now: now) else { return }
        store(side, shadow, change.after)
    }

    private mutating func store(_ side: Side, _ shadow: Int, _ after: StoredShadow) {
        if side == .core { core.edit(shadow, after) } else { cloud.edit(shadow, after) }
    }

    mutating func cut() {
        channel.cut()
        core.disconnect()
        cloud.disconnect()
    }

    mutating func jumpClocks() {
        let days = { (random: inout SeededGenerator) in
            Int64.random(in: -3...4, using: &random) * 86_400 * 1_000_000
        }
        core.now += days(&random)
        cloud.now += days(&random)
    }

    mutating func purge() {
        core.purge()
        cloud.purge()
    }

    /// One step of the sync; false where there is nothing to do.
    mutating func step() -> Bool {
        core.now += 1_000
        cloud.now += 1_000
        if !core.isConnected {
            core.connect(&channel)
            return true
        }
        var steps: [Int] = []
        if !channel.up.isEmpty { steps.append(0) }
        if !channel.down.isEmpty { steps.append(1) }
        if cloud.hasNews { steps.append(2) }
        if !core.due.isEmpty { steps.append(3) }
        guard let step = steps.randomElement(using: &random) else { return false }
        switch step {
        case 0: cloud.receive(channel.up.removeFirst(), &channel)
        case 1: core.receive(channel.down.removeFirst(), &channel)
        case 2: cloud.tell(&channel)
        default: core.send(&channel, crashesBefore: false)
        }
        return true
    }

    /// Syncs until nothing happens any more; false where that never comes. With faults, the stream breaks and the core
    /// crashes some times on the way.
    mutating func settle(faults: Int = 0) -> Bool {
        var faults = faults
        for _ in 0..<2_000 {
            if faults > 0, chance(12) {
                faults -= 1
                if chance(30) { core.send(&channel, crashesBefore: true) }
                cut()
            }
            if !step() { return true }
        }
        return false
    }

    /// Why both sides are not the same; nil where they are.
    func difference(_ shadow: Int) -> String? {
        let mine = core[shadow]
        let theirs = cloud[shadow]
        let isSame =
            switch (mine, theirs) {
            case (let mine?, let theirs?): mine.isEquivalent(to: theirs)
            case (nil, let one), (let one, nil): one?.isDeleted ?? true
            }
        if isSame { return nil }
        // One way only: what the leading side never had is left alone.
        if core.direction == .toCloud, mine == nil { return nil }
        // So is what it deleted so long ago that the other has forgotten that.
        if core.direction == .toEdge, theirs == nil || theirs?.isDeleted == true && core.bases[shadow] == nil
        {
            return nil
        }
        return "shadow \(shadow): core \(Self.text(mine)), cloud \(Self.text(theirs))"
    }

    static func text(_ stored: StoredShadow?) -> String {
        guard let stored else { return "nothing" }
        return "\(stored.shadowVersion) \(stored.document?.stateText ?? "deleted")"
    }
}
