import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Dependencies and platforms of components, in the cloud.
@Suite struct DependencyDeploymentTests {
    private static let digest = String(repeating: "ab", count: 32)

    private func recipe(_ name: String, _ version: String, _ more: String = "") -> String {
        "kind: Component\nname: \(name)\nversion: \(version)\n\(more)\ntransform: [{publish: out/a}]\n"
    }

    @Test func aDependencyIsAddedToTheLockAndToldToTheCore() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, recipe("base", "1.0.0"))
            try await cloud.push(admin, recipe("base", "1.1.0"))
            try await cloud.push(admin, recipe("base", "2.0.0"))
            try await cloud.push(admin, recipe("smooth", "1.0.0", "dependencies: {base: ^1.0}"))
            let applied = try await cloud.apply(admin, group())
            #expect(applied.lock.map(\.instance) == ["smooth", "base"])
            #expect(applied.lock.map(\.version) == ["1.0.0", "1.1.0"])
            #expect(applied.lock.map(\.added) == [false, true])
            try await cloud.attach(core) { attached in
                attached.hello()
                let deployment = try await cloud.deploy(admin, "g")
                #expect(Set(deployment.lock) == Set(applied.lock))
                #expect(try await attached.assignment().revision.lock == deployment.lock)
                #expect(try await cloud.recipe(core, "base", "1.1.0").recipe == recipe("base", "1.1.0"))
            }
        }
    }

    @Test func aConflictNamesWhoAskedAndIsRefusedWhenApplied() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, recipe("base", "1.0.0"))
            try await cloud.push(admin, recipe("smooth", "1.0.0", "dependencies: {base: ^2, bass: '*'}"))
            let error = try await refusal { try await cloud.apply(admin, group()) }
            #expect(error?.code == .failedPrecondition && error?.reason == .unresolvedComponent)
            for part in ["component:smooth 1.0.0 wants", "because the group wants smooth ^1.0"] {
                #expect(error?.message.contains(part) == true, "\(error?.message ?? "none")")
            }
            #expect(error?.violations.map { $0.field.prefix(2) } == ["6:"])
        }
    }

    @Test func versionsThatDoNotRunOnAKnownCoreAreLeftOut() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.push(
                admin, recipe("smooth", "1.1.0", "platforms: [{os: linux, architecture: riscv64}]"))
            // Nothing is known of the core yet.
            #expect(try await cloud.apply(admin, group(), dryRun: true).lock.map(\.version) == ["1.1.0"])
            try await cloud.attach(core) { attached in
                attached.hello(platform: ["os": "linux", "architecture": "x86_64"])
                try await eventually(
                    "the platform is known",
                    holds: {
                        try await cloud.apply(admin, group(), dryRun: true).lock.map(\.version) == ["1.0.0"]
                    })
                let error = try await refusal {
                    try await cloud.apply(admin, group(version: "1.1.0"), dryRun: true)
                }
                #expect(
                    error?.message.contains(
                        "core \"c\" (linux x86_64) cannot run 1.1.0, 1.1.0 is for linux riscv64")
                        == true, "\(error?.message ?? "none")")
            }
        }
    }

    @Test func aPlanOfGoingBackIsMadeByTheLockThatRan() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            let file = TestFile(100_000)
            try await cloud.upload(admin, file)
            try await cloud.push(
                admin,
                recipe(
                    "smooth", "1.0.0",
                    "artifacts: [{name: model.onnx, sha256: \(file.hex), size: \(file.bytes.count)}]"))
            try await cloud.apply(admin, group())
            try await cloud.attach(core) { attached in
                attached.hello()
                @Sendable func run() async throws -> String {
                    let deployment = try await cloud.deploy(admin, "g")
                    attached.report(deployment.id, .succeeded)
                    try await eventually(
                        "it is finished",
                        holds: {
                            try await cloud.deployment(admin, deployment.id).cores.first?.status == .succeeded
                        })
                    return deployment.id
                }
                let first = try await run()
                try await cloud.push(admin, recipe("base", "1.0.0"))
                try await cloud.push(admin, recipe("smooth", "1.1.0", "dependencies: {base: ^1.0}"))
                try await cloud.apply(admin, group(version: "~1.1.0"))
                _ = try await run()
                // It would be chosen for revision 1 by now.
                try await cloud.push(admin, recipe("smooth", "1.2.0"))
                let plan = try await cloud.call(as: admin) { client in
                    try await Deployments(wrapping: client).planDeployment(
                        .with {
                            $0.group = "g"
                            $0.rollback = true
                        })
                }
                #expect(plan.revision == 1 && plan.lockOfDeployment == first)
                #expect(plan.components.map(\.locked.version) == ["1.0.0"])
                let steps = try #require(plan.cores.first).steps
                #expect(steps.map { "\($0.action) \($0.instance)" } == ["restart smooth", "stop base"])
                #expect(steps[0].fromVersion == "1.1.0" && steps[0].toVersion == "1.0.0")
                #expect(plan.cores[0].runningRevision == 2)
                #expect(plan.cores[0].downloadBytes == 100_000)
                #expect(plan.cores[0].downloads.map(\.name) == ["model.onnx"])
            }
        }
    }

    @Test func aPlanComparesWhatRunsWithWhatWouldAndChangesNothing() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            @Sendable func plan(_ revision: UInt64 = 0, rollback: Bool = false) async throws
                -> Hedgerow_Deployment_V1_PlanDeploymentResponse
            {
                try await cloud.call(as: admin) { client in
                    try await Deployments(wrapping: client).planDeployment(
                        .with {
                            $0.group = "g"
                            $0.revision = revision
                            $0.rollback = rollback
                        })
                }
            }
            try await cloud.push(admin, recipe("base", "1.0.0"))
            try await cloud.push(admin, recipe("smooth", "1.0.0", "dependencies: {base: ^1.0}"))
            try await cloud.apply(admin, group())
            let first = try await plan()
            #expect(first.revision == 1 && first.components.map(\.locked.instance) == ["smooth", "base"])
            #expect(
                first.components[1].reasons == [
                    "component:smooth 1.0.0 wants base ^1.0, because the group wants smooth ^1.0"
                ])
            #expect(first.cores.map(\.cores) == [["c"]] && first.cores[0].runningRevision == 0)
            #expect(first.cores[0].steps.map(\.action) == [.start, .start])
            try await cloud.attach(core) { attached in
                attached.hello()
                let deployment = try await cloud.deploy(admin, "g")
                _ = try await attached.assignment()
                attached.report(deployment.id, .succeeded)
                try await eventually(
                    "it is finished",
                    holds: {
                        try await cloud.deployment(admin, deployment.id).cores.first?.status == .succeeded
                    })
                #expect(try await plan().cores[0].steps.map(\.action) == [.unchanged, .unchanged])

                // What it depends on changes, so it restarts too, and says why.
                try await cloud.push(admin, recipe("base", "1.1.0"))
                let second = try await plan()
                #expect(second.cores[0].runningRevision == 1)
                #expect(second.cores[0].steps.map(\.instance) == ["base", "smooth"])
                #expect(second.cores[0].steps.map(\.action) == [.restart, .restart])
                #expect(second.cores[0].steps[0].fromVersion == "1.0.0")
                #expect(
                    second.cores[0].steps[1].causes == ["it depends on component:base, which restarts"])
                #expect(try await cloud.deployment(admin, deployment.id).lock == deployment.lock)
            }
            // Going back is planned by the lock that ran, whatever would be chosen by now.
            let back = try await plan(1, rollback: true)
            #expect(back.revision == 1 && back.lockOfDeployment.hasPrefix("d-"))
            #expect(back.components.map(\.locked.version) == ["1.0.0", "1.0.0"])
            #expect(back.components[1].reasons == ["deployment \(back.lockOfDeployment) ran it"])
            #expect(back.cores[0].steps.map(\.action) == [.unchanged, .unchanged])
            let nowhere = try await refusal { try await plan(rollback: true) }
            #expect(nowhere?.reason == .notDeployed)

            let none = try await refusal { try await plan(9) }
            #expect(none?.code == .notFound && none?.message.contains("no revision 9") == true)
        }
    }
}
