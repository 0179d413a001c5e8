import ShadowStore
import Shadows

/// What shadows on this core may be.
struct CoreShadowSettings: Sendable {
    /// How large a document may be, and how deep.
    var limits = ShadowLimits.local
    /// Versions of a shadow that are kept.
    var historyDepth = ShadowTransaction.standardHistoryDepth

    init() {}

    /// As the core is configured.
    init(_ limits: CoreConfiguration.Limits) {
        self.limits.documentBytes = limits.shadowBytes
        historyDepth = limits.shadowHistory
    }
}
