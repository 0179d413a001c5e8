import Logging
import ServiceLifecycle

/// Tells the cores of rollouts in waves that their turn has come.
///
/// Whether it has is decided where the core takes its assignment, in one transaction; this only wakes cores that would
/// be admitted. So a restart, a lost wake-up or one too many changes nothing but the time.
struct RolloutDriver: Service {
    /// How often the rates are looked at.
    static let interval: Duration = .seconds(1)
    /// Cores that are woken beyond those that may begin: one that is attached but does not answer holds up nobody.
    static let spare = 4

    let cloud: CloudContext

    init(_ cloud: CloudContext) {
        self.cloud = cloud
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let (wakeups, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            await withDiscardingTaskGroup { group in
                group.addTask {
                    for await _ in cloud.deploymentChanges.watch() { wake.yield() }
                }
                group.addTask {
                    while (try? await cloud.time.sleep(Self.interval)) != nil { wake.yield() }
                }
                for await _ in wakeups { await wakeAdmitted() }
                group.cancelAll()
            }
        }
    }

    /// Wakes the cores whose turn has come; those that are not attached keep their turn and hold nobody up.
    func wakeAdmitted() async {
        do {
            for rollout in try await cloud.deployments.openRollouts(at: cloud.now) {
                let attached = rollout.pending.filter(cloud.hub.isAttached)
                cloud.hub.post(.assignment, to: attached.prefix(rollout.admitted + Self.spare))
            }
        } catch is CancellationError {
            // Shut down meanwhile.
        } catch {
            cloud.logger.error(
                "rollouts were not looked at; it is tried again", metadata: ["error": "\(error)"])
        }
    }
}
