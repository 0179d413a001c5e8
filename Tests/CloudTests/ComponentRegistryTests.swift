import Crypto
import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Components in the registry, over real TLS.
@Suite struct ComponentRegistryTests {
    @Test func aVersionIsRegisteredOnceAndNeverChanges() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let text = recipe("smooth", "1.0.0", description: "Takes the noise out")
            let dry = try await cloud.push(admin, text, dryRun: true)
            #expect(dry.created && dry.component.name == "smooth")
            let absent = try await refusal { try await cloud.component(admin, "smooth") }
            #expect(absent?.reason == .notFound)

            let first = try await cloud.push(admin, text)
            #expect(first.created)
            #expect(first.component.version == "1.0.0")
            #expect(first.component.description_p == "Takes the noise out")
            #expect(first.component.recipeDigest == Data(SHA256.hash(data: Data(text.utf8))))
            #expect(first.component.hasCreateTime)
            let again = try await cloud.push(admin, text)
            #expect(!again.created && again.component == first.component)

            // Build metadata makes no version: whoever pinned 1.0.0 would get this one.
            let build = try await refusal { try await cloud.push(admin, recipe("smooth", "1.0.0+b.7")) }
            #expect(build?.code == .alreadyExists && build?.message.contains("1.0.0+b.7") == true)
            let other = try await refusal { try await cloud.push(admin, text + "# changed\n") }
            #expect(other?.code == .alreadyExists && other?.reason == .alreadyExists)
            #expect(other?.message.contains("1.0.0") == true)
            #expect(other?.message.contains("raise the version") == true)
            let dryOther = try await refusal {
                try await cloud.push(admin, text + "# changed\n", dryRun: true)
            }
            #expect(dryOther?.reason == .alreadyExists)
            let stored = try await cloud.component(admin, "smooth", "1.0.0")
            #expect(stored.recipe == text && stored.component == first.component)
        }
    }

    @Test func errorsOfARecipeSayLineAndColumn() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let error = try await refusal {
                try await cloud.push(
                    admin, "kind: Component\nname: x\nversion: 1.0.0\ntransform:\n  - publihs: a\n")
            }
            #expect(error?.code == .invalidArgument && error?.reason == .invalidRecipe)
            #expect(error?.violations.map(\.field) == ["5:5"])
            #expect(error?.message.contains("publish") == true)
            let large = try await refusal {
                try await cloud.push(
                    admin, recipe("x", "1.0.0") + String(repeating: "#", count: 256 << 10))
            }
            #expect(large?.code == .invalidArgument && large?.reason == .invalidRecipe)
            #expect(try await cloud.components(admin).isEmpty)
        }
    }

    @Test func aRecipeWithMoreErrorsThanAnAnswerHoldsIsStillAnsweredWithTheFirst() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let step = "  - set: {x: '\(String(repeating: "unknown(1) + ", count: 20))1'}\n"
            let text =
                "kind: Component\nname: x\nversion: 1.0.0\ntransform:\n"
                + String(repeating: step, count: 60)
            let error = try await refusal { try await cloud.push(admin, text) }
            #expect(error?.reason == .invalidRecipe)
            #expect(error?.violations.isEmpty == false)
            #expect(error?.message.hasPrefix("line ") == true)
            #expect(error?.message.contains("more errors") == true)
            // The connection is as good as before.
            #expect(try await cloud.push(admin, recipe("x", "1.0.0")).created)
        }
    }

    @Test func listsAreSortedByNameAndBySemverInPages() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let versions = [
                "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
                "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1",
            ]
            for version in versions.shuffled() { try await cloud.push(admin, recipe("b", version)) }
            try await cloud.push(admin, recipe("c", "0.1.0"))
            try await cloud.push(admin, recipe("a", "0.1.0-pre"))
            let all = try await cloud.components(admin, of: "b", pageSize: 3)
            #expect(all.map(\.version) == versions.reversed())
            let highest = try await cloud.components(admin)
            #expect(highest.map { "\($0.name) \($0.version)" } == ["a 0.1.0-pre", "b 2.0.0-rc.1", "c 0.1.0"])
            // Without a version: the highest that is no pre-release, else the highest.
            #expect(try await cloud.component(admin, "b").component.version == "1.10.0")
            #expect(try await cloud.component(admin, "a").component.version == "0.1.0-pre")

            let version = try await refusal { try await cloud.component(admin, "b", "3.0.0") }
            #expect(version?.reason == .notFound && version?.message.contains("2.0.0-rc.1") == true)
            let near = try await refusal { try await cloud.components(admin, of: "bb") }
            #expect(near?.reason == .notFound && near?.message.contains("\"b\"") == true)
            let invalid = try await refusal { try await cloud.component(admin, "b", "1") }
            #expect(invalid?.violations.map(\.field) == ["version"])
            let token = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).listComponents(
                    .with {
                        $0.name = "b"
                        $0.pageSize = 1
                    }
                ).nextPageToken
            }
            let foreign = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).listComponents(.with { $0.pageToken = token })
                }
            }
            #expect(foreign?.reason == .badPageToken)
        }
    }

    @Test func aComponentIsShownWithTheGroupsThatRunItNow() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            #expect(try await cloud.component(admin, "smooth").component.groups.isEmpty)
            try await cloud.deploy(admin, "g")
            #expect(try await cloud.component(admin, "smooth").component.groups == ["g"])
            try await cloud.push(admin, recipe("smooth", "1.1.0"))
            try await cloud.deploy(admin, "g")
            let versions = try await cloud.components(admin, of: "smooth")
            #expect(versions.map(\.groups) == [["g"], []])
        }
    }
}
