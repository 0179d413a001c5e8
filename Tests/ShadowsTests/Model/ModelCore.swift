import Shadows

/// A core that stores, and syncs by the decisions under test.
struct ModelCore {
    // On disk.
    private(set) var shadows: [Int: StoredShadow] = [:]
    private(set) var bases: [Int: ShadowBase] = [:]
    private(set) var conflicts: [(shadow: Int, ShadowConflict)] = []
    private var taken: UInt64 = 0
    // In memory.
    private(set) var isConnected = false
    private var newestAtStart: UInt64?
    private var isCaughtUp = false
    private var inFlight: [Int: (shadow: Int, sent: ShadowVersion)] = [:]
    private var nextID = 0

    let direction: ShadowDirection
    /// Whether answers that the core missed are settled by what it had sent; switched off to show that it matters.
    var remembersPending = true
    var now: Int64 = 1_700_000_000_000_000
    var versions = VersionWatch()

    init(direction: ShadowDirection) { self.direction = direction }

    subscript(shadow: Int) -> StoredShadow? { shadows[shadow] }

    mutating func edit(_ shadow: Int, _ after: StoredShadow) {
        versions.note(shadow, after)
        shadows[shadow] = after
    }

    mutating func connect(_ channel: inout ModelChannel) {
        isConnected = true
        channel.send(.start(taken: taken))
    }

    /// A cut or a crash: what is in memory about the stream is gone either way.
    mutating func disconnect() {
        isConnected = false
        newestAtStart = nil
        isCaughtUp = false
        inFlight = [:]
    }

    private func base(_ shadow: Int) -> ShadowBase { bases[shadow] ?? .none }

    mutating func receive(_ message: ToCore, _ channel: inout ModelChannel) {
        switch message {
        case .started(let newest):
            newestAtStart = newest
            catchUp()
        case .change(let shadow, let told): take(shadow, told)
        case .refused(let id, let shadow, let told):
            inFlight[id] = nil
            take(shadow, told)
            // It was refused, so it is not in the cloud.
            if base(shadow).pending != nil { bases[shadow] = base(shadow).notTaken }
        case .problem(let id):
            guard let (shadow, _) = inFlight.removeValue(forKey: id) else { return }
            bases[shadow] = base(shadow).notTaken
        case .accepted(let id, let version):
            guard let (shadow, sent) = inFlight.removeValue(forKey: id) else { return }
            if let settled = base(shadow).accepted(sent, cloudVersion: version) { bases[shadow] = settled }
        case .told(let change):
            taken = max(taken, change)
            channel.send(.taken(taken))
            catchUp()
        }
    }

    /// Everything that was there when the stream began has been told: what was sent before and is not in it never
    /// arrived.
    private mutating func catchUp() {
        guard let newestAtStart, !isCaughtUp, taken >= newestAtStart else { return }
        isCaughtUp = true
        for (shadow, base) in bases where base.pending != nil { bases[shadow] = base.notTaken }
    }

    private mutating func take(_ shadow: Int, _ told: CloudShadow) {
        guard base(shadow).isNews(told.stored) else { return }
        decide(shadow, told)
    }

    private mutating func decide(_ shadow: Int, _ told: CloudShadow) {
        let told = remembersPending ? told : CloudShadow(told.stored)
        let decision = ShadowSyncDecision.make(
            base: base(shadow), core: shadows[shadow], cloud: told, direction: direction, now: now)
        if let changed = decision.core { edit(shadow, changed) }
        bases[shadow] = decision.base
        conflicts.append(contentsOf: decision.conflicts.map { (shadow, $0) })
    }

    private func isBusy(_ shadow: Int) -> Bool { inFlight.values.contains { $0.shadow == shadow } }

    /// The shadows that have to be sent or brought back.
    var due: [Int] {
        guard isConnected, isCaughtUp else { return [] }
        return shadows.keys.sorted().filter { shadow in
            !isBusy(shadow)
                && (base(shadow).isDirty(shadows[shadow], direction: direction)
                    || base(shadow).isStray(shadows[shadow], direction: direction))
        }
    }

    /// Notes on disk what will be sent, then sends it; a crash in between is possible.
    mutating func send(_ channel: inout ModelChannel, crashesBefore: Bool) {
        let due = due
        for shadow in due {
            guard let core = shadows[shadow] else { continue }
            if base(shadow).isStray(core, direction: direction) {
                decide(shadow, CloudShadow(base(shadow).cloud))
            } else {
                bases[shadow] = base(shadow).sending(core)
            }
        }
        if crashesBefore { return }
        for shadow in due {
            guard let pending = base(shadow).pending else { continue }
            nextID += 1
            inFlight[nextID] = (shadow, pending.shadowVersion)
            channel.send(
                .write(id: nextID, shadow: shadow, sent: pending, expected: base(shadow).expected))
        }
    }

    /// Forgets deletions that the cloud knows of and that are old enough.
    mutating func purge() {
        for (shadow, stored) in shadows {
            guard case .deleted(let tombstone) = stored, base(shadow).isForgettable, !isBusy(shadow),
                !tombstone.isCounting(at: now)
            else { continue }
            shadows[shadow] = nil
            bases[shadow] = nil
        }
    }
}
