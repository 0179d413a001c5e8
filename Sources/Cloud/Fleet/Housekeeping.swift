import FoundationEssentials
import Logging
import ServiceLifecycle

/// What has to be done every now and then: deadlines of deployments, times of who was last seen, and deleting
/// what no longer matters.
struct Housekeeping: Service {
    /// Longest time between two looks at the deadlines.
    static let maximumPause: Duration = .seconds(1)
    /// How often old records are deleted.
    static let pruning: Duration = .hours(1)
    /// How long expired records are kept for those who ask what happened.
    static let keepExpired: Duration = .days(30)
    /// How long a request id stays taken.
    static let keepRequests: Duration = .days(7)
    /// Deployments that are kept of each group.
    static let keepDeployments = 1_000

    let cloud: CloudContext

    init(_ cloud: CloudContext) {
        self.cloud = cloud
    }

    /// Works until shut down, and then writes down who left.
    func run() async throws {
        let pause = min(cloud.configuration.deploymentDeadline / 10, Self.maximumPause)
        await cancelWhenGracefulShutdown {
            var nextPruning = cloud.now
            var nextSeen = cloud.now
            repeat {
                let now = cloud.now
                await attempt { try await checkDeadlines() }
                await attempt { try await recordSeen(connectedToo: now >= nextSeen) }
                if now >= nextSeen { nextSeen = now.adding(.minutes(1)) }
                if now >= nextPruning {
                    nextPruning = now.adding(Self.pruning)
                    await attempt { try await prune() }
                }
            } while (try? await cloud.time.sleep(pause)) != nil
        }
        await attempt { try await recordSeen(connectedToo: true) }
    }

    /// Marks deployments that took too long.
    func checkDeadlines() async throws {
        let longest = max(
            cloud.configuration.deploymentDeadline, AttachSession.maximumStage + AttachSession.reportGrace)
        let expired = try await cloud.deployments.expire(at: cloud.now, longest: longest)
        if expired > 0 { cloud.deploymentChanges.fire() }
    }

    /// Writes down when things were last connected.
    func recordSeen(connectedToo: Bool) async throws {
        var times = cloud.presence.takeLeft()
        if connectedToo {
            let now = cloud.now
            for name in cloud.presence.connected { times[name] = now }
        }
        if !times.isEmpty { try await cloud.registry.recordSeen(times) }
    }

    /// Deletes what no longer matters.
    func prune() async throws {
        let now = cloud.now
        let authorities = try await cloud.credentials.prune(
            expiredBefore: now.adding(.zero - Self.keepExpired),
            requestsBefore: now.adding(.zero - Self.keepRequests))
        for fingerprint in authorities { try await cloud.groupAuthorities.discard(fingerprint) }
        try await cloud.deployments.pruneDeployments(keeping: Self.keepDeployments)
        try await cloud.refreshRevocations()
        try await cloud.artifacts.collect(at: now)
    }

    private func attempt(_ body: () async throws -> Void) async {
        do {
            try await body()
        } catch is CancellationError {
            // Shut down meanwhile.
        } catch {
            cloud.logger.error("housekeeping failed; it is tried again", metadata: ["error": "\(error)"])
        }
    }
}

extension CloudContext {
    /// Takes those off the list that have expired. What is being revoked meanwhile stays on it.
    func refreshRevocations() async throws {
        let before = revocations.all
        let current = Set(try await credentials.revokedSerialNumbers(at: now))
        revocations.remove(before.filter { !current.contains($0) })
    }
}
