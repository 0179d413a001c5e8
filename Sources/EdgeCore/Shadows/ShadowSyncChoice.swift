import Components
import Shadows

/// Which of the shadows that the cloud has not confirmed may be looked at now.
struct ShadowSyncChoice: Sendable {
    let plan: ShadowPlan
    /// Things of which not everything was told yet.
    let unread: Set<String>
    /// Those that are on their way.
    let underWay: Set<ShadowKey>
    /// When things whose changes are gathered exchanged them last.
    let exchanged: [String: Duration]
    /// Those that the cloud could not take, and when they are tried again.
    let postponed: [ShadowKey: Duration]
    let now: Duration
    /// When one that has to wait may be looked at; nil where none has to.
    private(set) var due: Duration?

    init(
        plan: ShadowPlan, unread: Set<String>, underWay: Set<ShadowKey>, exchanged: [String: Duration],
        postponed: [ShadowKey: Duration], now: Duration
    ) {
        self.plan = plan
        self.unread = unread
        self.underWay = underWay
        self.exchanged = exchanged
        self.postponed = postponed
        self.now = now
    }

    /// Whether a shadow may be looked at.
    mutating func takes(_ key: ShadowKey) -> Bool {
        guard let rule = plan.rule(for: key.thing), !underWay.contains(key), !unread.contains(key.thing)
        else {
            return false
        }
        var time = postponed[key] ?? .zero
        if rule.interval.duration > .zero, let last = exchanged[key.thing] {
            time = max(time, last + rule.interval.duration)
        }
        guard time > now else { return true }
        due = min(due ?? time, time)
        return false
    }
}

extension ShadowPlan {
    /// Whether changes of a thing's shadows are gathered before they are exchanged.
    func isGathered(_ thing: String) -> Bool {
        rule(for: thing).map { $0.interval.duration > .zero } ?? false
    }
}

extension StoredShadow {
    /// About how many bytes it takes on the wire.
    var wireBytes: Int {
        (document?.stateText.utf8.count ?? 0) + (document?.metadataText.utf8.count ?? 0) + 256
    }
}
