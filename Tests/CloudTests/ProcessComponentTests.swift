import Components
import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Recipes that are programs, in the cloud.
@Suite struct ProcessComponentTests {
    private func source(_ version: String = "1.0.0") -> String {
        """
        kind: Component
        name: source
        version: \(version)
        process:
          run: [python3, main.py]
          environment: {LEVEL: info}
          secrets: [key]
        configuration: {rate: 20}
        """
    }

    /// A program that makes readings, a transform behind it, and whatever else is routed.
    private func group(_ settings: String = "", _ routes: String = "") -> String {
        """
        kind: Group
        name: g
        cores: [c]
        things: [t]
        components:
          - name: source
            version: ^1.0
            \(settings)
          - {name: smooth, version: ^1.0}
        subscriptions:
          - {from: "component:source", topic: raw/#, to: "component:smooth"}
          - {from: "component:smooth", topic: out/#, to: cloud}
          - {from: "component:smooth", topic: $dead-letter/smooth, to: cloud}
          \(routes)

        """
    }

    private func withGroup(
        _ body: @escaping @Sendable (RunningCloud, ClientIdentity, ClientIdentity) async throws -> Void
    ) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            #expect(try await cloud.push(admin, source()).created)
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await body(cloud, admin, core)
        }
    }

    private func plan(
        _ cloud: RunningCloud, _ admin: ClientIdentity
    ) async throws -> [Hedgerow_Deployment_V1_PlannedStep] {
        try await cloud.call(as: admin) { client in
            try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
                .planDeployment(.with { $0.group = "g" }).cores.first?.steps ?? []
        }
    }

    @Test func aProgramIsRegisteredResolvedAndToldToTheCore() async throws {
        try await withGroup { cloud, admin, core in
            // Nothing reaches it and nobody knows where it publishes; its variables are its own affair.
            _ = try await cloud.apply(admin, group())
            try await cloud.setSecret(admin, "what it reads")
            let applied = try await cloud.apply(admin, group("environment: {HALL: east}"))
            #expect(applied.warnings == [])
            try await cloud.attach(core) { attached in
                attached.hello()
                _ = try await cloud.deploy(admin, "g")
                let lock = try await attached.assignment().revision.lock
                #expect(lock.map(\.instance).sorted() == ["smooth", "source"])
            }
            #expect(try await cloud.recipe(core, "source", "1.0.0").recipe == source())
        }
    }

    @Test func aCircleThroughAProgramIsRefused() async throws {
        try await withGroup { cloud, admin, _ in
            let circle = #"- {from: "component:smooth", topic: out/a, to: "component:source"}"#
            let error = try await refusal { try await cloud.apply(admin, group("", circle)) }
            #expect(error?.reason == .invalidDefinition)
            #expect(error?.message.contains("is a loop") == true, "\(error?.message ?? "")")
        }
    }

    @Test func anErrorOfAProgramSaysLineAndColumn() async throws {
        try await withGroup { cloud, admin, _ in
            let wrong = source("1.1.0").replacing("secrets: [key]", with: "secrets: [a b]")
            let error = try await refusal { try await cloud.push(admin, wrong) }
            #expect(error?.code == .invalidArgument && error?.reason == .invalidRecipe)
            #expect(error?.violations.map(\.field) == ["7:13"])
        }
    }

    @Test func aPlanRestartsAProgramOnlyWhereItDiffersByValue() async throws {
        try await withGroup { cloud, admin, core in
            _ = try await cloud.apply(admin, group())
            try await cloud.attach(core) { attached in
                attached.hello()
                let id = try await cloud.deploy(admin, "g").id
                _ = try await attached.assignment()
                attached.report(id, .succeeded)
                try await eventually(
                    "a plan that changes nothing",
                    holds: { try await plan(cloud, admin).allSatisfy { $0.action == .unchanged } })
            }
            func step() async throws -> Hedgerow_Deployment_V1_PlannedStep? {
                try await plan(cloud, admin).first { $0.instance == "source" }
            }
            // What the recipe says anyway is no difference.
            _ = try await cloud.apply(
                admin, group("environment: {LEVEL: info}\n    configuration: {merge: {rate: 20}}"))
            #expect(try await step()?.action == .unchanged)
            _ = try await cloud.apply(admin, group("environment: {LEVEL: debug}"))
            #expect(try await step()?.causes == ["its environment changes"])
            _ = try await cloud.apply(admin, group("configuration: {merge: {rate: 10}}"))
            #expect(try await step()?.causes == ["its configuration changes"])
            try await cloud.push(admin, source("1.1.0"))
            _ = try await cloud.apply(admin, group())
            #expect(try await step()?.causes == ["its version changes from 1.0.0 to 1.1.0"])
        }
    }
}
