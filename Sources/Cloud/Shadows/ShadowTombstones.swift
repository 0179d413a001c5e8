import FoundationEssentials
import Logging
import ServiceLifecycle
import ShadowStore
import Shadows

/// Lets tombstones of shadows end that nobody needs: 48 hours after the deletion, and while the thing's group syncs its
/// shadows, not before the core that syncs them has taken it. Until then an old edit of the core cannot bring a deleted
/// shadow back. A core that was the home before, and is no more, is not waited for.
struct ShadowTombstones: Service {
    static let interval = Duration.seconds(600)
    /// Tombstones that are looked at in one transaction.
    static let atOnce = 500

    let shadows: CloudShadows

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                do {
                    let count = try await purge()
                    if count > 0 {
                        shadows.cloud.logger.info(
                            "tombstones of shadows deleted", metadata: ["shadows.count": "\(count)"])
                    }
                } catch {
                    shadows.cloud.logger.error(
                        "tombstones of shadows could not be deleted; it is tried again",
                        metadata: ["error.message": "\(error)"])
                }
                try await shadows.cloud.time.sleep(Self.interval)
            }
        }
    }

    /// Removes them, some at a time.
    ///
    /// - Returns: how many there were.
    func purge() async throws -> Int {
        let directory = shadows.cloud.directory
        var (total, position): (Int, TombstonePosition?) = (0, nil)
        repeat {
            let after = position
            let (removed, next) = try await shadows.store.commit(author: "", needsRoom: false) { shadows in
                var taken: [String: Int64] = [:]
                for core in try shadows.progress()
                where directory.isShadowHome(core.core, in: core.group) {
                    taken[core.group] = min(taken[core.group] ?? .max, core.takenChange)
                }
                return try shadows.purgeTombstones(after: after, limit: Self.atOnce) { key, change in
                    guard directory.isShadowSynced(thing: key.thing),
                        let group = directory.group(ofThing: key.thing)
                    else { return true }
                    return change <= taken[group] ?? .max
                }
            }
            total += removed
            position = next
        } while position != nil
        return total
    }
}
