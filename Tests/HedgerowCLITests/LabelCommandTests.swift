import Foundation
import HedgerowAPI
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Histories, aliases, deprecation and attributes", .timeLimit(.minutes(5)))
struct LabelCommandTests {
    private func asOperator(_ body: @Sendable (CommandTests.Person) async throws -> Void) async throws {
        try await CommandTests().asOperator(body)
    }

    private func line(_ word: String, in text: String) -> String {
        ComponentCommandTests().line(word, in: text)
    }

    @Test("list revisions with who, what and what came of them")
    func history() async throws {
        try await asOperator { person in
            let shown = await person.run("groups", "history", "press-hall")
            #expect(shown.status == 0, "\(shown.error)")
            #expect(
                line("lamp", in: shown.output)
                    == "3 2026-05-04T10:30:00.000Z ann + things lamp d-3 FAILED 1/2")
            #expect(line("bob", in: shown.output).hasSuffix("bob streams ~1 -"))
            #expect(
                await person.run("groups", "history", "press-hall", "--limit", "1").output
                    .split(separator: "\n").count == 2)
            let json = await person.run("groups", "history", "press-hall", "-o", "json")
            #expect(json.output.contains("\"outcome\": \"FAILED\""))
            let revision = await person.run("groups", "show", "press-hall", "--revision", "3")
            #expect(revision.output.contains("selector  type=bme680"), "\(revision.output)")
            #expect(revision.output.contains("things    a b"))
            let file = await person.run("groups", "show", "press-hall", "--revision", "3", "--definition")
            #expect(file.output.contains("  - {selector: \"type=bme680\"}\n"))
            #expect(await person.run("groups", "show", "press-hall", "--revision", "9").status == 3)
            #expect(await person.run("groups", "show", "press-hall", "--revision", "0").status == 2)
        }
    }

    @Test("roll back and say whose lock that is")
    func rollback() async throws {
        try await asOperator { person in
            let back = await person.run("groups", "rollback", "press-hall", "--to", "2", "--wait")
            #expect(back.status == 0, "\(back.error)")
            #expect(back.error.contains("Deployment "))
            #expect(await person.run("groups", "rollback", "press-hall", "--timeout", "x").status == 2)
        }
    }

    @Test("move aliases, show where they were, and deprecate")
    func aliases() async throws {
        try await asOperator { person in
            let made = await person.run("components", "alias", "smooth", "@live", "1.0.0")
            #expect(made.output == "smooth @live is 1.0.0.\n")
            #expect(made.error.contains("hedgerow deploy GROUP"))
            #expect(
                await person.run("components", "alias", "smooth", "live", "1.1.0").output
                    == "smooth @live moved from 1.0.0 to 1.1.0.\n")
            #expect(
                await person.run("components", "alias", "smooth", "live", "1.1.0").output
                    == "smooth @live is 1.1.0 already.\n")
            #expect(
                line("@live", in: await person.run("components", "aliases").output)
                    == "smooth @live 1.1.0 - ann")
            let moves = await person.run("components", "aliases", "smooth", "--history")
            #expect(moves.output.split(separator: "\n").count == 4)
            #expect(await person.run("components", "aliases", "--history").status == 2)
            #expect(await person.run("components", "unalias", "smooth", "live").status == 0)
            #expect(person.cloud.state.withLock { $0.labels.aliases.isEmpty })
            #expect(await person.run("components", "deprecate", "smooth", "1.0.0").status == 2)
            let reason = await person.run("components", "deprecate", "smooth", "1.0.0", "--reason", "wrong")
            #expect(reason.output == "smooth 1.0.0 is deprecated.\n")
            #expect(person.cloud.state.withLock { $0.labels.deprecations } == ["smooth 1.0.0": "wrong"])
            #expect(await person.run("components", "deprecate", "smooth", "1.0.0", "--undo").status == 0)
            #expect(person.cloud.state.withLock { $0.labels.deprecations.isEmpty })
        }
    }

    @Test("set types and attributes")
    func attributes() async throws {
        try await asOperator { person in
            let file = person.directory + "/a.token"
            let created = await person.run(
                "things", "create", "a", "--type", "bme680", "--attribute", "hall=press", "--attribute",
                "x=1",
                "--token-file", file)
            #expect(created.status == 0, "\(created.error)")
            #expect(
                line("hall=press", in: await person.run("things", "list").output)
                    == "a thing bme680 - no never hall=press x=1")
            let set = await person.run(
                "things", "set-attributes", "a", "--attribute", "hall=paint", "--remove", "x", "--type", "")
            #expect(set.status == 0, "\(set.error)")
            let thing = person.cloud.state.withLock { $0.things["a"] }
            #expect(thing?.attributes == ["hall": "paint"] && thing?.type == "")
            #expect(
                await person.run("things", "set-attributes", "a", "--attribute", "hall=paint").error
                    == "Nothing changes: it was so already.\n")
            #expect(await person.run("things", "set-attributes", "a").status == 2)
            #expect(await person.run("things", "set-attributes", "a", "--attribute", "x").status == 2)
            let bad = await person.run("things", "list", "--selector", "type=")
            #expect(bad.status == 2 && bad.error.contains("is not a selector"))
            _ = await person.run(
                "apply", "-f", "-", input: "kind: ThingType\nname: lamp\nattributes: {hall: Where}\n")
            #expect(line("hall", in: await person.run("things", "types").output) == "lamp hall Where")
            #expect(await person.run("things", "delete-type", "lamp").status == 0)
            #expect(await person.run("things", "delete-type", "lamp").status == 3)
        }
    }
}
