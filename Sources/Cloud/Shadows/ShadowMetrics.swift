import Metrics
import RPCSupport
import ShadowStore

/// Counts what happens to shadows, for whoever reads the metrics; next to nothing where nobody does.
struct ShadowMetrics: Sendable {
    private let requested = Counter(label: "hedgerow_shadow_changes", dimensions: [("by", "request")])
    private let synced = Counter(label: "hedgerow_shadow_changes", dimensions: [("by", "sync")])
    private let told = Counter(label: "hedgerow_shadow_sync_told")
    private let refused = Counter(label: "hedgerow_shadow_sync_refused")

    /// What the families are.
    static let help = [
        "hedgerow_shadow_changes":
            "Changes of shadows, by whether a request or the sync with a core made them.",
        "hedgerow_shadow_sync_told": "Shadows that cores were told.",
        "hedgerow_shadow_sync_refused":
            "Documents of cores that were not written because the shadow had been changed meanwhile.",
    ]

    /// Counts what a transaction changed, after it was committed.
    func count(_ applied: [AppliedShadow]) {
        let bySync = applied.count { $0.author.hasPrefix("core:") }
        if bySync > 0 { synced.increment(by: bySync) }
        if bySync < applied.count { requested.increment(by: applied.count - bySync) }
    }

    /// Counts what a core was told.
    func count(told count: Int) { if count > 0 { told.increment(by: count) } }

    /// Counts what was not written.
    func count(refused count: Int) { if count > 0 { refused.increment(by: count) } }
}
