import Logging
import RPCSupport
import ServiceLifecycle
import ShadowStore
import Shadows
import Supervision

/// Removes what is kept of deleted shadows when nobody needs it any more: 48 hours after, and not before the cloud has the
/// deletion.
struct ShadowKeeper: Service {
    /// Time between two looks.
    static let interval = Duration.seconds(3_600)
    /// Most that one transaction looks at.
    static let perTransaction = 500

    let parts: TelemetryParts
    var clock = MonotonicClock.continuous

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                do {
                    try await purge()
                } catch {
                    parts.logger.debug(
                        "deleted shadows are still kept", metadata: ["error.message": "\(error)"])
                }
                try await clock.sleep(Self.interval)
            }
        }
    }

    /// Looks through all of them.
    func purge() async throws {
        var position: TombstonePosition?
        repeat {
            let after = position
            position = try await parts.commitShadows(author: "", needsRoom: false) { shadows in
                try shadows.purgeTombstones(after: after, limit: Self.perTransaction) { key, _ in
                    // Not while the cloud may have what was deleted: it would come back from there.
                    try shadows.isForgettable(key)
                }.next
            }
        } while position != nil
    }
}
