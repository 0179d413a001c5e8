import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Components of groups: resolved when applied and deployed, brought to cores, and what cores say of them.
@Suite struct ComponentDeploymentTests {
    private func withFleet(
        _ body:
            @Sendable @escaping (
                _ cloud: RunningCloud, _ admin: ClientIdentity, _ core: ClientIdentity
            ) async throws -> Void
    ) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await body(cloud, admin, core)
        }
    }

    // MARK: Applying

    @Test func applyingSaysWhatWouldRun() async throws {
        try await withFleet { cloud, admin, _ in
            for version in ["1.0.0", "1.9.0", "1.10.0", "2.0.0", "1.11.0-rc.1"] {
                try await cloud.push(admin, recipe("smooth", version))
            }
            for dryRun in [true, false] {
                let applied = try await cloud.apply(admin, group(), dryRun: dryRun)
                #expect(applied.changed && applied.lock.map(\.instance) == ["smooth"])
                #expect(applied.lock.map(\.version) == ["1.10.0"])
                #expect(applied.lock.map(\.recipeDigest.count) == [32])
                #expect(applied.warnings.isEmpty)
                #expect(applied.revision.components.map(\.name) == ["smooth"])
                #expect(applied.revision.components.map(\.version) == ["^1.0"])
                #expect(applied.revision.lock.isEmpty)
            }
            // A newer version alone makes no other revision.
            try await cloud.push(admin, recipe("smooth", "1.12.0"))
            let same = try await cloud.apply(admin, group())
            #expect(!same.changed && same.lock.map(\.version) == ["1.12.0"])
            let quiet = try await cloud.apply(admin, group(deadLetters: false), dryRun: true)
            #expect(quiet.warnings.count == 1)
            #expect(quiet.warnings.first?.contains("$dead-letter/smooth") == true)
        }
    }

    @Test func whatDoesNotResolveIsRefusedWithEverythingThatThereIs() async throws {
        try await withFleet { cloud, admin, _ in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.push(admin, recipe("smooth", "1.1.0"))
            for dryRun in [true, false] {
                let range = try await refusal {
                    try await cloud.apply(admin, group(version: "^2.0"), dryRun: dryRun)
                }
                #expect(range?.code == .failedPrecondition && range?.reason == .unresolvedComponent)
                for part in ["smooth", "^2.0", "1.0.0", "1.1.0"] {
                    #expect(range?.message.contains(part) == true, "\(part)")
                }
                #expect(range?.violations.map { $0.field.prefix(2) } == ["6:"])
            }
            let name = try await refusal { try await cloud.apply(admin, group(component: "smoooth")) }
            #expect(name?.reason == .unresolvedComponent)
            #expect(name?.message.contains("did you mean \"smooth\"") == true)
            let groups = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).listGroups(.init()).groups
            }
            #expect(groups.isEmpty)
        }
    }

    @Test func routesThatTheRecipesMakeSenselessAreRefusedWhereTheyStand() async throws {
        try await withFleet { cloud, admin, _ in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            let error = try await refusal { try await cloud.apply(admin, group(topic: "other/#")) }
            #expect(error?.code == .invalidArgument && error?.reason == .invalidDefinition)
            #expect(error?.violations.isEmpty == false)
            let places = error?.violations.map(\.field) ?? []
            #expect(places.allSatisfy { $0.contains(":") && !$0.contains("[") }, "\(places)")
            #expect(error?.message.hasPrefix("line ") == true)
        }
    }

    // MARK: Deploying

    @Test func aDeploymentKeepsItsLockAndAnotherOfTheSameRevisionGetsANewOne() async throws {
        try await withFleet { cloud, admin, identity in
            let first = recipe("smooth", "1.0.0")
            try await cloud.push(admin, first)
            try await cloud.apply(admin, group())
            try await cloud.attach(identity) { core in
                core.hello()
                let one = try await cloud.deploy(admin, "g", requestID: "once")
                #expect(one.lock.map(\.version) == ["1.0.0"])
                let assignment = try await core.assignment()
                #expect(assignment.revision.revision == 1)
                #expect(assignment.revision.components.map(\.name) == ["smooth"])
                #expect(assignment.revision.lock == one.lock)
                let answer = try await cloud.recipe(identity, "smooth", "1.0.0")
                #expect(answer.recipe == first)
                #expect(answer.digest == one.lock.first?.recipeDigest)
                core.report(one.id, .succeeded)
                try await eventually("the first finished") {
                    try await cloud.deployment(admin, one.id).cores.first?.status == .succeeded
                }

                // A repeat of the same request is the same deployment, whatever was pushed since.
                try await cloud.push(admin, recipe("smooth", "1.1.0"))
                #expect(try await cloud.deploy(admin, "g", requestID: "once").lock == one.lock)
                let two = try await cloud.deploy(admin, "g")
                #expect(two.revision == 1 && two.lock.map(\.version) == ["1.1.0"])
                #expect(try await cloud.deployment(admin, one.id).lock == one.lock)
                let second = try await core.assignment(skipping: 1)
                #expect(second.deploymentID == two.id)
                #expect(second.revision.revision == 1 && second.revision.lock == two.lock)
                core.report(two.id, .succeeded)
                try await eventually("the second finished") {
                    try await cloud.deployment(admin, two.id).cores.first?.status == .succeeded
                }
                // The same lock again is what the core runs: nothing to tell.
                let three = try await cloud.deploy(admin, "g")
                #expect(three.lock == two.lock)
                try await eventually("the third is done with") {
                    try await cloud.deployment(admin, three.id).cores.first?.status == .succeeded
                }
                // To roll back it may ask for what it ran before.
                #expect(try await cloud.recipe(identity, "smooth", "1.0.0").recipe == first)
            }
        }
    }

    @Test func aCoreThatComesBackIsToldAgainUnlessItIsKnownToRunTheLock() async throws {
        try await withFleet { cloud, admin, identity in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            let deployment = try await cloud.deploy(admin, "g")
            try await cloud.attach(identity) { core in
                // It switched, and its report was lost: that revision alone does not tell the lock.
                core.hello(group: "g", revision: 1)
                #expect(try await core.assignment().deploymentID == deployment.id)
                core.report(deployment.id, .succeeded)
                try await eventually("the report came") {
                    try await cloud.deployment(admin, deployment.id).cores.first?.status == .succeeded
                }
            }
            try await cloud.attach(identity) { core in
                core.hello(group: "g", revision: 1)
                _ = try await core.welcome()
                let next = try await cloud.deploy(admin, "g")
                try await eventually("nothing is left to do") {
                    try await cloud.deployment(admin, next.id).cores.first?.status == .succeeded
                }
                #expect(core.received.allSatisfy { if case .assignment = $0.event { false } else { true } })
            }
        }
    }

    @Test func deployingChecksAgain() async throws {
        try await withFleet { cloud, admin, _ in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            // The next version publishes elsewhere: the group would lead nowhere with it.
            try await cloud.push(admin, recipe("smooth", "1.1.0", publish: ["elsewhere"]))
            let error = try await refusal { try await cloud.deploy(admin, "g") }
            #expect(error?.code == .invalidArgument && error?.reason == .invalidDefinition)
            #expect(error?.violations.first?.field.isEmpty == false)
            let absent = try await refusal { try await cloud.deploy(admin, "nothing") }
            #expect(absent?.reason == .notFound)
            let revision = try await refusal { try await cloud.deploy(admin, "g", revision: 9) }
            #expect(revision?.reason == .notFound && revision?.message.contains("newest is 1") == true)
        }
    }

    @Test func recipesAreForCoresThatWereToldToRunThem() async throws {
        try await withFleet { cloud, admin, identity in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.push(admin, recipe("other", "1.0.0"))
            try await cloud.apply(admin, group())
            let stranger = try await cloud.register(admin, .core, "stranger")
            try await cloud.deploy(admin, "g")
            // Not told yet: the core is not attached.
            let early = try await refusal { try await cloud.recipe(identity, "smooth", "1.0.0") }
            #expect(early?.code == .permissionDenied && early?.reason == .notYourResource)
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.assignment()
            }
            _ = try await cloud.recipe(identity, "smooth", "1.0.0")
            for (who, component, version, reason) in [
                (stranger, "smooth", "1.0.0", ErrorReason.notYourResource),
                (identity, "other", "1.0.0", .notYourResource), (identity, "smooth", "1.0.1", .notFound),
                (identity, "none", "1.0.0", .notFound), (identity, "smooth", "", .invalidField),
                (identity, "smooth", "^1.0", .invalidField),
            ] {
                let error = try await refusal { try await cloud.recipe(who, component, version) }
                #expect(error?.reason == reason, "\(component) \(version)")
            }
            let `operator` = try await refusal { try await cloud.recipe(admin, "smooth", "1.0.0") }
            #expect(`operator`?.code == .permissionDenied)
            // A new machine under an old name knows nothing of it.
            try await cloud.apply(admin, "{kind: Group, name: g, cores: [stranger], things: [t]}")
            _ = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).deleteThing(.with { $0.name = "c" })
            }
            let newer = try await cloud.register(admin, .core, "c")
            let gone = try await refusal { try await cloud.recipe(newer, "smooth", "1.0.0") }
            #expect(gone?.reason == .notYourResource)
        }
    }

    // MARK: Statuses

    private func status(
        _ instance: String, failed: UInt64 = 0, cause: String = "step 1"
    ) -> Hedgerow_Type_V1_ComponentStatus {
        .with {
            $0.instance = instance
            $0.component = "smooth"
            $0.version = "1.0.0"
            $0.messagesIn = 10
            $0.messagesFailed = failed
            if failed > 0 {
                $0.failures = [
                    .with {
                        $0.cause = cause
                        $0.count = failed
                    }
                ]
            }
        }
    }

    @Test func whatComponentsDidIsShownUntilTheCoreRunsAnotherRevision() async throws {
        try await withFleet { cloud, admin, identity in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            let deployment = try await cloud.deploy(admin, "g")
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.assignment()
                core.report(deployment.id, .succeeded)
                core.send(.componentStatuses(.with { $0.components = [status("smooth")] }))
                core.send(.componentStatuses(.with { $0.components = [status("smooth", failed: 3)] }))
                let shown = try await eventually("the newest is shown") {
                    let shown = try await cloud.group(admin, "g").cores.first?.components
                    return shown?.first?.messagesFailed == 3 ? shown : nil
                }
                #expect(shown == [status("smooth", failed: 3)])
                // A second report of the same success changes nothing.
                core.report(deployment.id, .succeeded)
                try await cloud.apply(admin, "{kind: Group, name: g, cores: [c], things: [t]}")
                let next = try await cloud.deploy(admin, "g")
                _ = try await core.assignment(skipping: 1)
                #expect(try await cloud.group(admin, "g").cores.first?.components.count == 1)
                core.report(next.id, .succeeded)
                try await eventually("it is gone") {
                    try await cloud.group(admin, "g").cores.first?.components.isEmpty == true
                }
            }
        }
    }

    @Test func statusesOverALimitEndTheAttachment() async throws {
        try await withFleet { cloud, admin, identity in
            try await cloud.apply(admin, "{kind: Group, name: g, cores: [c], things: [t]}")
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.welcome()
                let long = status("smooth", failed: 1, cause: String(repeating: "x", count: 257))
                core.send(.componentStatuses(.with { $0.components = [long] }))
                let error = try await core.endReason()
                #expect(error.reason == .invalidField)
                #expect(
                    error.violations.map(\.field) == [
                        "component_statuses.components[0].failures[0].cause"
                    ])
            }
        }
    }
}

/// The reports in memory.
@Suite struct ComponentStatusBoardTests {
    private func statuses(_ count: Int) -> [Hedgerow_Type_V1_ComponentStatus] {
        (0..<count).map { number in
            .with {
                $0.instance = "i\(number)"
                $0.component = "c"
                $0.version = "1.0.0"
                $0.failures = (0..<16).map { _ in
                    .with { $0.cause = String(repeating: "x", count: 256) }
                }
            }
        }
    }

    @Test func anAnswerStaysFarBelowTheLimitOfAMessage() throws {
        let board = ComponentStatusBoard()
        var cores: [Hedgerow_Registry_V1_CoreStatus] = []
        for number in 0..<100 {
            board.record(statuses(256), of: "core-\(number)", running: nil)
            cores.append(.with { $0.core = "core-\(number)" })
        }
        board.add(to: &cores)
        let bytes = try cores.reduce(0) { $0 + (try $1.serializedData().count) }
        #expect(bytes < 2 << 20)
        #expect(cores[0].components.count == 256)
        var few = [Hedgerow_Registry_V1_CoreStatus.with { $0.core = "core-1" }]
        board.record(statuses(3), of: "core-1", running: nil)
        board.add(to: &few)
        #expect(few[0].components == statuses(3))
    }

    @Test func limitsAreSaidByField() {
        var message = Hedgerow_Deployment_V1_ComponentStatuses()
        message.components = statuses(257)
        #expect(
            ComponentStatusBoard.check(message).violations.map(\.field) == ["component_statuses.components"])
        message.components = statuses(1)
        message.components[0].failures.append(.init())
        message.components[0].instance = "no name"
        message.components[0].version = String(repeating: "1", count: 257)
        let base = "component_statuses.components[0]"
        #expect(
            ComponentStatusBoard.check(message).violations.map(\.field) == [
                "\(base).instance", "\(base).version", "\(base).failures",
            ])
    }
}
