import Components
import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Configuration and environment of instances, in the cloud.
@Suite struct InstanceSettingsTests {
    private func limit(_ version: String = "1.0.0", _ configuration: String = "{high: 80.0, low: 0.0}")
        -> String
    {
        """
        kind: Component
        name: limit
        version: \(version)
        configuration: \(configuration)
        transform:
          - where: reading.t > configuration.high
          - publish: out/a
        """
    }

    private func group(_ one: String = "", _ two: String = "") -> String {
        """
        kind: Group
        name: g
        cores: [c]
        things: [t]
        components:
          - name: one
            component: limit
            version: ^1.0
            \(one)
          - name: two
            component: limit
            version: ^1.0
            \(two)
        subscriptions:
          - {from: "thing:t", topic: raw/#, to: "component:one"}
          - {from: "thing:t", topic: raw/#, to: "component:two"}
          - {from: "component:one", topic: "#", to: cloud}
          - {from: "component:two", topic: "#", to: cloud}
          - {from: "component:one", topic: $dead-letter/one, to: cloud}
          - {from: "component:two", topic: $dead-letter/two, to: cloud}

        """
    }

    private func plan(
        _ cloud: RunningCloud, _ admin: ClientIdentity
    ) async throws -> [Hedgerow_Deployment_V1_PlannedStep] {
        try await cloud.call(as: admin) { client in
            try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
                .planDeployment(.with { $0.group = "g" }).cores.first?.steps ?? []
        }
    }

    @Test func theyAreKeptShownAndToldToTheCore() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, limit())
            let applied = try await cloud.apply(
                admin,
                group(
                    "configuration: {merge: {high: 75, low: 1.0}, reset: [/low]}",
                    "environment: {A: b, N: 1.0}"))
            #expect(applied.warnings == [])
            let instances = try await cloud.group(admin, "g").newestRevision.components
            #expect(instances == applied.revision.components)
            let one = try #require(instances.first { $0.name == "one" })
            #expect(one.configuration.merge == #"{"high": 75, "low": 1}"#)
            #expect(one.configuration.reset == ["/low"] && one.environment.isEmpty)
            let two = try #require(instances.first { $0.name == "two" })
            #expect(two.environment == ["A": "b", "N": "1.0"] && !two.hasConfiguration)
            // The same in another spelling is no revision.
            let again = try await cloud.apply(
                admin, group("configuration: {merge: {low: 1, high: 75.0}}", "environment: {N: '1.0', A: b}"))
            #expect(!again.changed && again.revision.revision == 1)
            try await cloud.attach(core) { attached in
                attached.hello()
                _ = try await cloud.deploy(admin, "g")
                #expect(try await attached.assignment().revision.components == instances)
            }
        }
    }

    @Test(arguments: [
        (
            "{merge: {hihg: 75}}", "the recipe's configuration has no \"/hihg\"; did you mean \"/high\"?"
        ),
        ("{merge: {high: hot}}", "\"/high\" is a number in the recipe, not the text \"hot\""),
    ])
    func whatDoesNotFitTheRecipeIsRefused(merge: String, message: String) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, limit())
            let error = try await refusal { try await cloud.apply(admin, group("configuration: \(merge)")) }
            #expect(error?.code == .invalidArgument && error?.reason == .invalidDefinition)
            #expect(error?.violations.map { $0.field } == ["9:29"])
            #expect(
                error?.violations.first?.description == "component:one runs limit 1.0.0, and \(message)")
        }
    }

    @Test func aPlaceToResetThatTheRecipeDoesNotHaveIsAWarning() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, limit())
            let applied = try await cloud.apply(admin, group("configuration: {reset: [/hihg]}"))
            #expect(
                applied.warnings == [
                    "component:one runs limit 1.0.0, whose configuration has no \"/hihg\" that could be reset; "
                        + "did you mean \"/high\"?"
                ])
        }
    }

    @Test func aVariableThatTheRecipeReadsAndTheInstanceDoesNotHaveIsAWarning() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            let steps = """
                transform:
                  - set: {hall: environment.HALL, roof: 'has(environment.ROOF) ? environment.ROOF : ""'}
                  - publish: out/a
                """
            try await cloud.push(admin, "kind: Component\nname: limit\nversion: 1.0.0\n\(steps)\n")
            let applied = try await cloud.apply(
                admin, group("environment: {HAL: press}", "environment: {HALL: press}"))
            #expect(
                applied.warnings == [
                    "component:one runs limit 1.0.0, which reads environment.HALL without has(…), and has no such "
                        + "variable; messages that need it fail, did you mean HALL by HAL?"
                ])
        }
    }

    @Test func aNewVersionThatDoesNotHaveAKeyIsRefusedWhenItIsDeployed() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, limit())
            _ = try await cloud.apply(admin, group("configuration: {merge: {low: 1}}"))
            try await cloud.push(admin, limit("1.1.0", "{high: 80.0}"))
            let error = try await refusal { _ = try await cloud.deploy(admin, "g") }
            #expect(error?.reason == .invalidDefinition)
            #expect(
                error?.message.contains("component:one runs limit 1.1.0") == true, "\(error?.message ?? "")")
            try await cloud.push(admin, limit("1.2.0", "{high: 80.0, low: 5.0}"))
            _ = try await cloud.deploy(admin, "g")
        }
    }

    @Test func goingBackBringsTheSettingsOfThatRevision() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, limit())
            _ = try await cloud.apply(
                admin, group("configuration: {merge: {high: 75}}", "environment: {A: old}"))
            let old = try await cloud.group(admin, "g").newestRevision.components
            try await cloud.attach(core) { attached in
                attached.hello()
                let first = try await cloud.deploy(admin, "g").id
                _ = try await attached.assignment()
                attached.report(first, .succeeded)
                try await eventually(
                    "the first to succeed",
                    holds: { try await plan(cloud, admin).map(\.action) == [.unchanged, .unchanged] })
                _ = try await cloud.apply(
                    admin, group("configuration: {merge: {high: 70}}", "environment: {A: new}"))
                let second = try await cloud.deploy(admin, "g").id
                #expect(try await attached.assignment(skipping: 1).revision.components != old)
                attached.report(second, .succeeded)
                try await eventually(
                    "the second to succeed",
                    holds: { try await plan(cloud, admin).map(\.action) == [.unchanged, .unchanged] })
                _ = try await cloud.call(as: admin) { client in
                    try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
                        .createDeployment(
                            .with {
                                $0.group = "g"
                                $0.rollback = true
                                $0.revision = 1
                            })
                }
                let assigned = try await attached.assignment(skipping: 2).revision
                #expect(assigned.revision == 1 && assigned.components == old)
            }
        }
    }

    @Test func whatAnEarlierVersionStoredOfARecipeIsReadWithoutVariables() throws {
        let stored =
            #"{"artifacts":[],"dependencies":[{"component":"a","kind":"hard","version":"^1"}],"platforms":[]}"#
        let requirements = try ComponentRequirements(stored: stored)
        #expect(requirements.dependencies.map(\.component) == ["a"] && requirements.environment == nil)
        #expect(try ComponentRequirements(stored: requirements.stored()) == requirements)
    }

    @Test func aPlanRestartsOnlyWhatDiffersByValue() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, limit())
            _ = try await cloud.apply(admin, group("configuration: {merge: {high: 75}}"))
            try await cloud.attach(core) { attached in
                attached.hello()
                let id = try await cloud.deploy(admin, "g").id
                _ = try await attached.assignment()
                attached.report(id, .succeeded)
                try await eventually(
                    "a plan that changes nothing",
                    holds: { try await plan(cloud, admin).map(\.action) == [.unchanged, .unchanged] })
            }
            _ = try await cloud.apply(admin, group("configuration: {merge: {high: 70}}"))
            var steps = try await plan(cloud, admin)
            #expect(steps.map(\.instance) == ["one", "two"])
            #expect(steps.map(\.action) == [.restart, .unchanged])
            #expect(steps.map(\.causes) == [["its configuration changes"], []])
            // What the recipe says anyway is no difference, though it is another revision.
            _ = try await cloud.apply(
                admin, group("configuration: {merge: {high: 75.0}}", "configuration: {merge: {low: 0}}"))
            #expect(try await plan(cloud, admin).map(\.action) == [.unchanged, .unchanged])
            _ = try await cloud.apply(
                admin, group("configuration: {merge: {high: 75.0}}", "environment: {HALL: press}"))
            steps = try await plan(cloud, admin)
            #expect(steps.map(\.action) == [.unchanged, .restart])
            #expect(steps.map(\.causes) == [[], ["its environment changes"]])
        }
    }
}
