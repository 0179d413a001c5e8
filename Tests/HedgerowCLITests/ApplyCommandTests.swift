import Foundation
import HedgerowAPI
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Applying several documents", .timeLimit(.minutes(5)))
struct ApplyCommandTests {
    private static let things = """
        kind: Thing
        name: pi-1
        core: true
        ---
        kind: ThingType
        name: bme680
        ---
        kind: Thing
        name: bme680-1
        type: bme680
        attributes: {hall: press}

        """

    private func asOperator(
        _ body:
            @Sendable (CommandTests.Person, _ file: @Sendable (String, String) throws -> String) async throws
            -> Void
    ) async throws {
        try await ComponentCommandTests().asOperator(body)
    }

    @Test("makes types, things, components and groups in this order, whatever the order of the files")
    func order() async throws {
        try await asOperator { person, file in
            let group = try file("a-group.yaml", ComponentCommandTests.group)
            let recipe = try file("b-recipe.yaml", ComponentCommandTests.recipe("1.0.0"))
            let things = try file("c-things.yaml", Self.things)
            // The fake cloud resolves against what is registered.
            #expect(await person.run("components", "push", recipe).status == 0)
            let applied = await person.run("apply", "-f", group, "-f", things, "-f", recipe)
            #expect(applied.status == 0, "\(applied.error)")
            let lines = applied.output.split(separator: "\n").map {
                $0.split(separator: " ").joined(separator: " ")
            }
            #expect(
                lines.prefix(6) == [
                    "KIND NAME VERSION RESULT", "Group press-hall 3 changed", "Thing pi-1 - created",
                    "ThingType bme680 - created", "Thing bme680-1 - created",
                    "Component double-it 1.0.0 unchanged",
                ], "\(applied.output)")
            let state = person.cloud.state.withLock { $0 }
            #expect(state.things["bme680-1"]?.type == "bme680" && state.things["pi-1"]?.kind == .core)
            #expect(state.labels.types["bme680"] != nil && state.definitions.count == 1)
            // Once more: nothing to do, and it says so.
            let again = await person.run("apply", "-f", group, "-f", things, "-f", recipe)
            #expect(again.error.contains("Nothing changes: all of it is there already.\n"))
            #expect(person.cloud.state.withLock { $0.definitions.count } == 1)
        }
    }

    @Test("makes an alias after the component that it points at, and says when it moves")
    func alias() async throws {
        try await asOperator { person, file in
            let path = try file(
                "all.yaml",
                "kind: Alias\ncomponent: double-it\nname: live\nversion: 1.0.0\n---\n"
                    + ComponentCommandTests.recipe("1.0.0"))
            let applied = await person.run("apply", "-f", path)
            #expect(applied.status == 0, "\(applied.error)")
            let lines = applied.output.split(separator: "\n").map {
                $0.split(separator: " ").joined(separator: " ")
            }
            #expect(lines.contains("Alias double-it@live 1.0.0 created"), "\(applied.output)")
            let aliases = person.cloud.state.withLock { $0.labels.aliases }
            #expect(aliases.map(\.alias) == ["live"] && aliases.map(\.version) == ["1.0.0"])
            #expect(person.cloud.state.withLock { $0.labels.componentsAtAlias } == [1])
            #expect(await person.run("apply", "-f", path).error.contains("Nothing changes"))
            let moved = try file(
                "moved.yaml", "kind: Alias\ncomponent: double-it\nname: live\nversion: 2.0.0\n")
            #expect(
                await person.run("diff", "-f", moved).output
                    == "Alias double-it@live 2.0.0: changed\n  version\n    ~ 1.0.0 → 2.0.0\n")
        }
    }

    @Test("takes a directory's manifests and nothing else of it")
    func directory() async throws {
        try await asOperator { person, file in
            let directory = person.directory + "/fleet"
            try FileManager.default.createDirectory(
                atPath: directory + "/deeper", withIntermediateDirectories: true)
            _ = try file("fleet/b.yaml", "kind: Thing\nname: b\n")
            _ = try file("fleet/a.json", "{\"kind\": \"Thing\", \"name\": \"a\"}")
            _ = try file("fleet/notes.txt", "no manifest")
            _ = try file("fleet/deeper/c.yaml", "kind: Thing\nname: c\n")
            let applied = await person.run("apply", "-f", directory)
            #expect(applied.status == 0, "\(applied.error)")
            #expect(person.cloud.state.withLock { $0.things.keys.sorted() } == ["a", "b"])
            let none = await person.run(
                "apply", "-f", directory + "/deeper/../deeper", "-f", "-", input: "x: y\n")
            #expect(none.status == 2)
            #expect(none.error.contains("standard input:1:1: the manifest lacks \"kind\""))
            try FileManager.default.removeItem(atPath: directory + "/deeper/c.yaml")
            #expect(await person.run("apply", "-f", directory + "/deeper").error.contains("has no manifests"))
        }
    }

    @Test("makes nothing where one document has an error, here or in the cloud")
    func errors() async throws {
        try await asOperator { person, file in
            let things = try file("things.yaml", Self.things)
            let bad = try file("bad.yaml", "kind: Thing\nname: x\n---\nkind: Group\nname: g\ncore: [a]\n")
            let here = await person.run("apply", "-f", things, "-f", bad)
            #expect(here.status == 2)
            #expect(here.error.contains("\(bad):6:1: a group has no key \"core\"; did you mean \"cores\"?"))
            let twice = await person.run(
                "apply", "-f", things, "-f", "-", input: "# head\nkind: Thing\nname: pi-1\n")
            #expect(twice.status == 2)
            #expect(
                twice.error
                    == "hedgerow: standard input:2:1: Thing \"pi-1\" is described at \(things):1 already; remove one\n"
            )
            let cloud = await person.run(
                "apply", "-f", things, "-f", "-",
                input: "kind: Thing\nname: x\n---\nkind: Group\nname: g\ncores: [c]\nthings: [unregistered]\n"
            )
            #expect(cloud.status == 2)
            #expect(
                cloud.error
                    == "hedgerow: standard input:7:10: there is no thing unregistered; create it first\n")
            let state = person.cloud.state.withLock { $0 }
            #expect(state.things.isEmpty && state.definitions.isEmpty && state.labels.types.isEmpty)
        }
    }

    @Test("shows what would change part by part and makes nothing")
    func dryRun() async throws {
        try await asOperator { person, file in
            let path = try file("g.yaml", "kind: Group\nname: g\ncores: [c]\nthings: [a]\n")
            #expect(await person.run("apply", "-f", path).status == 0)
            _ = try file(
                "g.yaml",
                "kind: Group\nname: g\ncores: [c]\nthings: [lamp]\nstreams:\n  default: {priority: 3}\n")
            let expected = """
                Group g: revision 2 → 3
                  things
                    - a
                    + lamp
                  streams
                    ~ default priority: 5 → 3

                """
            #expect(await person.run("diff", "-f", path).output == expected)
            let dry = await person.run("apply", "-f", path, "--dry-run")
            #expect(dry.output.hasPrefix(expected))
            #expect(dry.output.contains("WOULD BE"))
            let coloured = await person.run("diff", "-f", path, "--color", "always")
            #expect(coloured.output.contains("\u{1B}[32m+ lamp\u{1B}[0m"))
            #expect(coloured.output.contains("\u{1B}[31m- a\u{1B}[0m"))
            let json = await person.run("diff", "-f", path, "-o", "json")
            let list = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
            let differences = list?.first?["differences"] as? [[String: Any]]
            #expect(differences?.map { $0["kind"] as? String } == ["removed", "added", "changed"])
            #expect(list?.first?["dryRun"] as? Bool == true)
            #expect(person.cloud.state.withLock { $0.definitions.count } == 1)
        }
    }

    @Test("says what was made where something fails between")
    func interrupted() async throws {
        try await asOperator { person, file in
            person.cloud.state.withLock { $0.labels.broken = "g" }
            let path = try file(
                "all.yaml",
                Self.things
                    + "---\nkind: Group\nname: g\ncores: [pi-1]\n---\nkind: Group\nname: h\ncores: [pi-1]\n")
            let failed = await person.run("apply", "-f", path)
            #expect(failed.status == 1)
            #expect(
                failed.error == """
                    hedgerow: the disk is full
                    hedgerow: made before that: ThingType bme680, Thing pi-1, Thing bme680-1
                    hedgerow: not made: Group g, Group h; apply the same files again to go on, what is there already changes nothing

                    """)
            person.cloud.state.withLock { $0.labels.broken = "" }
            #expect(await person.run("apply", "-f", path).status == 0)
        }
    }

    @Test("needs a file, each once")
    func use() async throws {
        try await asOperator { person, file in
            #expect(await person.run("apply").status == 2)
            let path = try file("t.yaml", "kind: Thing\nname: a\n")
            #expect(await person.run("apply", "-f", path, "-f", path).error.contains("is named twice"))
        }
    }
}
