import Foundation
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Many cores, each with an identity and a connection of its own, against one cloud. `HEDGEROW_ROLLOUT_CORES` says how
/// many (40); one in ten fails on purpose.
@Suite("A rollout across many cores, over TLS", .timeLimit(.minutes(15)))
struct RolloutFleetTests {
    private static let count =
        ProcessInfo.processInfo.environment["HEDGEROW_ROLLOUT_CORES"].flatMap { Int($0) } ?? 40

    /// Whether a core is one of those that fail.
    private static func fails(_ core: String) -> Bool { core.hasSuffix("7") }

    /// Runs a cloud with a group of cores that are all attached.
    private func withCrowd(
        _ crowd: SimulatedCore.Crowd,
        _ body: @Sendable @escaping (RunningCloud, ClientIdentity) async throws -> Void
    ) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let names = (0..<Self.count).map { "core-\($0)" }
            let cores = try await cloud.registerCores(names, admin)
            try await cloud.apply(admin, "{kind: Group, name: g, cores: [\(names.joined(separator: ", "))]}")
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for (name, identity) in cores {
                    group.addTask {
                        try await SimulatedCore(name: name, identity: identity, crowd: crowd).run(cloud)
                        return false
                    }
                }
                group.addTask {
                    try await eventually(
                        "all cores are attached", within: .seconds(300),
                        holds: {
                            crowd.attached == Self.count
                        })
                    try await body(cloud, admin)
                    return true
                }
                // A core that goes away by itself has failed, and throws.
                while let isOver = try await group.next(), !isOver {}
                group.cancelAll()
            }
        }
    }

    private func deploy(
        _ cloud: RunningCloud, _ admin: ClientIdentity,
        _ fill: @Sendable @escaping (inout Hedgerow_Deployment_V1_RolloutPolicy) -> Void
    ) async throws -> Hedgerow_Deployment_V1_Deployment {
        try await cloud.call(as: admin) { client in
            try await Deployments(wrapping: client).createDeployment(
                .with {
                    $0.group = "g"
                    fill(&$0.rollout)
                }
            ).deployment
        }
    }

    /// Waits for the end of a deployment, as `hedgerow deploy --wait` does.
    private func end(
        of id: String, _ cloud: RunningCloud, _ admin: ClientIdentity
    ) async throws -> Hedgerow_Deployment_V1_Deployment {
        try await cloud.call(as: admin) { client in
            try await Deployments(wrapping: client).watchDeployment(.with { $0.id = id }) { response in
                var last = Hedgerow_Deployment_V1_Deployment()
                for try await message in response.messages {
                    last = message.deployment
                    // Whatever is seen at any moment, every core is in one place.
                    #expect(last.cores.count == Self.count)
                }
                return last
            }
        }
    }

    private func count(
        _ deployment: Hedgerow_Deployment_V1_Deployment, _ status: Hedgerow_Deployment_V1_DeploymentStatus
    ) -> Int {
        deployment.cores.count { $0.status == status }
    }

    @Test("goes in waves to every core, and the counts add up")
    func waves() async throws {
        let crowd = SimulatedCore.Crowd(work: .milliseconds(20), isHeld: true) { core, _ in
            Self.fails(core) ? .fails("this one always fails") : .succeeds
        }
        try await withCrowd(crowd) { cloud, admin in
            let limit = 8
            let start = ContinuousClock.now
            let deployment = try await deploy(cloud, admin) { $0.maxInFlight = UInt32(limit) }
            try await eventually("the first wave is under way", holds: { crowd.underWay == limit })
            crowd.release()
            let ended = try await end(of: deployment.id, cloud, admin)
            let took = start.duration(to: .now)
            let failing = (0..<Self.count).count { Self.fails("core-\($0)") }
            #expect(count(ended, .succeeded) == Self.count - failing)
            #expect(count(ended, .failed) == failing)
            #expect(ended.state == .running)
            #expect(
                ended.cores.filter { $0.status == .failed }.allSatisfy {
                    $0.reason == "this one always fails"
                })
            #expect(crowd.mostUnderWay == limit)
            #expect(crowd.assignments(of: deployment.id) == Self.count, "each was told once")
            let each = Double(took.components.seconds) * 1_000 + Double(took.components.attoseconds) / 1e15
            print("rollout: \(Self.count) cores in waves of \(limit): \(each / Double(Self.count)) ms a core")
        }
    }

    @Test("stops by itself where more cores fail than may, and leaves the others alone")
    func threshold() async throws {
        let crowd = SimulatedCore.Crowd(work: .milliseconds(20)) { core, _ in
            Self.fails(core) ? .fails("this one always fails") : .succeeds
        }
        try await withCrowd(crowd) { cloud, admin in
            let deployment = try await deploy(cloud, admin) {
                $0.maxInFlight = 2
                $0.abort.failedPercent = 4
                $0.abort.minimumFinished = 10
            }
            let ended = try await end(of: deployment.id, cloud, admin)
            #expect(ended.state == .aborted)
            #expect(ended.stateReason.contains("4 %"))
            let (good, bad, left) = (
                count(ended, .succeeded), count(ended, .failed), count(ended, .canceled)
            )
            #expect(good + bad + left == Self.count)
            #expect(good + bad >= 10)
            // In the order of the group: with the tenth that ends, one in eight or so has failed.
            #expect(good + bad <= 14)
            #expect(left >= Self.count - 14)
            #expect(crowd.assignments(of: deployment.id) == good + bad)
            // A newer one takes its place, all at once.
            let next = try await end(of: try await deploy(cloud, admin) { _ in }.id, cloud, admin)
            #expect(count(next, .succeeded) + count(next, .failed) == Self.count)
        }
    }

    @Test("is paused, resumed and canceled while it is under way")
    func operated() async throws {
        let crowd = SimulatedCore.Crowd(isHeld: true) { _, _ in .succeeds }
        try await withCrowd(crowd) { cloud, admin in
            let id = try await deploy(cloud, admin) { $0.maxInFlight = 2 }.id
            crowd.release(2)
            try await eventually(
                "some cores are done",
                holds: {
                    self.count(try await cloud.deployment(admin, id), .succeeded) >= 2
                })
            let paused = try await cloud.call(as: admin) { client in
                try await Deployments(wrapping: client).pauseDeployment(
                    .with {
                        $0.id = id
                        $0.reason = "look first"
                    }
                ).deployment
            }
            #expect(paused.state == .paused)
            // Those that were begun before.
            crowd.release(2)
            try await eventually(
                "nobody is under way",
                holds: {
                    self.count(try await cloud.deployment(admin, id), .inProgress) == 0
                })
            let held = try await cloud.deployment(admin, id)
            #expect(count(held, .pending) > 0)
            _ = try await cloud.call(as: admin) { client in
                try await Deployments(wrapping: client).resumeDeployment(.with { $0.id = id })
            }
            crowd.release(2)
            try await eventually(
                "it goes on",
                holds: {
                    self.count(try await cloud.deployment(admin, id), .succeeded)
                        > self.count(held, .succeeded)
                })
            _ = try await cloud.call(as: admin) { client in
                try await Deployments(wrapping: client).cancelDeployment(.with { $0.id = id })
            }
            crowd.release()
            let ended = try await end(of: id, cloud, admin)
            #expect(ended.state == .canceled)
            #expect(count(ended, .succeeded) + count(ended, .canceled) == Self.count)
            #expect(count(ended, .canceled) > 0)
        }
    }
}
