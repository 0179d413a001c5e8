import Foundation
import HedgerowAPI
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Commands about shadows", .timeLimit(.minutes(5)))
struct ShadowCommandTests {
    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    private func line(_ word: String, in text: String) -> String {
        ComponentCommandTests().line(word, in: text)
    }

    private typealias Person = CommandTests.Person

    /// What the last update asked for.
    private func asked(_ person: Person) throws -> [String: Any] {
        try object(try #require(person.cloud.state.withLock { $0.shadows.updates.last?.document }))
    }

    @Test("set single values, typed, and say what changed")
    func setting() async throws {
        try await CommandTests().asOperator { person in
            let made = await person.run(
                "shadow", "update", "fan-1", "--set", "desired.fan=true", "--set", "desired.speed=3", "--set",
                "reported.state=running well")
            #expect(made.status == 0, "\(made.error)")
            #expect(
                made.output == """
                    + desired.fan: true
                    + desired.speed: 3
                    + reported.state: "running well"
                    The shadow fan-1 has version 1.
                    ≠ fan: true is desired, not reported
                    ≠ speed: 3 is desired, not reported

                    """)
            let changed = await person.run(
                "shadow", "update", "fan-1", "--set", "desired.fan=null", "--set", "desired.speed=4.5", "-o",
                "json")
            let json = try object(changed.output)
            #expect(json["version"] as? Int == 2)
            let changes = try #require(json["changes"] as? [[String: Any]])
            #expect(changes.map { $0["kind"] as? String } == ["removed", "changed"])
            #expect(changes.map { $0["path"] as? String } == ["desired.fan", "desired.speed"])
            #expect(changes.last?["from"] as? Int == 3 && changes.last?["to"] as? Double == 4.5)
            #expect((json["delta"] as? [String: Any])?["speed"] as? Double == 4.5)
            let state = try #require(try asked(person)["state"] as? [String: Any])
            #expect((state["desired"] as? [String: Any])?["fan"] is NSNull)
        }
    }

    @Test("take sections and whole documents from arguments, files and standard input")
    func documents() async throws {
        try await CommandTests().asOperator { person in
            let file = person.directory + "/state.json"
            try Data(#"{"t": 21}"#.utf8).write(to: URL(filePath: file))
            let both = await person.run(
                "shadow", "update", "a", "--name", "env", "--desired", #"{"on": [1, 2]}"#, "--reported",
                "@\(file)",
                "--if", "!exists", "--version", "1")
            #expect(both.status == 0, "\(both.error)")
            #expect(both.output.contains("+ desired.on: [1,2]\n+ reported.t: 21\n"))
            #expect(both.output.contains("The shadow a/env has version 1."))
            let request = try #require(person.cloud.state.withLock { $0.shadows.updates.last })
            #expect(request.condition == "!exists" && request.name == "env")
            #expect(try asked(person)["version"] as? Int == 1)
            let whole = await person.run(
                "shadow", "update", "a", "--name", "env", "--document", "-",
                input: #"{"state": {"reported": {"t": 22}}, "clientToken": "x"}"#)
            #expect(whole.output.hasPrefix("~ reported.t: 21 → 22\n"), "\(whole.error)")
            #expect(try asked(person)["clientToken"] as? String == "x")
            let dropped = await person.run("shadow", "update", "a", "--name", "env", "--desired", "null")
            #expect(dropped.status == 0)
            #expect((try asked(person)["state"] as? [String: Any])?["desired"] is NSNull)
        }
    }

    @Test("refuse what is no document before anything is asked")
    func wrongUse() async throws {
        try await CommandTests().asOperator { person in
            for arguments in [
                [], ["--set", "fan=true"], ["--set", "desired=1"], ["--set", "desired.fan"],
                ["--set", "desired..a=1"],
                ["--desired", "{"], ["--desired", "[1]"], ["--desired", "{}", "--document", "x"],
                ["--set", "desired.a=1", "--set", "desired.a=2"],
                ["--set", "desired.a=1", "--set", "desired.a.b=2"],
                ["--document", "x", "--version", "2"], ["--document", "/none"],
            ] {
                let run = await person.run(arguments: ["shadow", "update", "a"] + arguments)
                #expect(run.status == 2, "\(arguments): \(run.error)")
            }
            #expect(person.cloud.state.withLock { $0.shadows.updates.isEmpty })
            #expect(await person.run("shadow", "watch", "--after", "1").status == 2)
            #expect(await person.run("shadow", "watch", "a", "--all", "--name", "b").status == 2)
            #expect(await person.run("shadow", "watch", "a", "--kind", "current").status == 2)
            #expect(await person.run("shadow", "history", "a", "--limit", "0").status == 2)
        }
    }

    @Test("say which version a shadow has where another was expected")
    func conflict() async throws {
        try await CommandTests().asOperator { person in
            for number in 1...3 {
                _ = await person.run("shadow", "update", "a", "--set", "desired.n=\(number)")
            }
            let late = await person.run("shadow", "update", "a", "--set", "desired.n=9", "--version", "2")
            #expect(late.status == 1)
            #expect(late.error.contains("the shadow a has version 3 now; nothing was changed"))
            let unmet = await person.run("shadow", "update", "a", "--set", "desired.n=9", "--if", "false")
            #expect(unmet.status == 1)
            #expect(unmet.error == "hedgerow: the condition is not true; nothing was changed\n")
            let delete = await person.run("shadow", "delete", "a", "--version", "1")
            #expect(delete.status == 1 && delete.error.contains("has version 3 now"))
            #expect(
                await person.run("shadow", "delete", "a", "--version", "3").output
                    == "The shadow a is deleted (version 4).\n")
            #expect(await person.run("shadow", "delete", "a").status == 3)
            let gone = await person.run("shadow", "get", "a")
            #expect(gone.status == 3)
            #expect(
                gone.error
                    == "hedgerow: there is no shadow a; hedgerow shadow list a has those that there are\n")
            _ = await person.run("shadow", "update", "a", "--set", "desired.n=1")
            _ = await person.run("shadow", "delete", "a")
            let first = await person.run("shadow", "update", "a", "--set", "desired.n=9", "--version", "7")
            #expect(first.error.contains("the shadow a does not exist now"))
        }
    }

    @Test("show desired, reported and what differs beside each other")
    func get() async throws {
        try await CommandTests().asOperator { person in
            _ = await person.run(
                "shadow", "update", "fan-1", "--set", "desired.fan=true", "--set", "reported.fan=false",
                "--set",
                "reported.a=1", "--set", "desired.a=1")
            let shown = await person.run("shadow", "get", "fan-1")
            #expect(shown.status == 0, "\(shown.error)")
            #expect(line("thing", in: shown.output) == "thing fan-1")
            #expect(line("shadow", in: shown.output) == "shadow (classic)")
            #expect(line("version", in: shown.output) == "version 1")
            let rows = shown.output.split(separator: "\n").suffix(2).map {
                $0.split(separator: " ").joined(separator: " ")
            }
            #expect(rows == ["a 1 1 - 2026-05-04T10:30:00Z", "fan true false true 2026-05-04T10:30:00Z"])
            #expect(!shown.output.contains("\u{1B}"))
            let coloured = await person.run("shadow", "get", "fan-1", "--color", "always")
            #expect(coloured.output.contains("\u{1B}[32mtrue\u{1B}[0m"))
            #expect(coloured.output.contains("\u{1B}[31mfalse\u{1B}[0m"))
            let json = try object(await person.run("shadow", "get", "fan-1", "-o", "json").output)
            #expect(json["thing"] as? String == "fan-1" && json["version"] as? Int == 1)
            let state = try #require(json["state"] as? [String: [String: Any]])
            #expect(state["delta"]?["fan"] as? Bool == true && state["reported"]?["a"] as? Int == 1)
        }
    }

    @Test("list shadows with how their sync stands")
    func list() async throws {
        try await CommandTests().asOperator { person in
            #expect(await person.run("shadow", "list").error.contains("There is no shadow"))
            _ = await person.run("shadow", "update", "a", "--set", "desired.x=1")
            _ = await person.run("shadow", "update", "a", "--name", "env", "--set", "reported.x=1")
            let list = await person.run("shadow", "list", "a")
            #expect(list.status == 0, "\(list.error)")
            #expect(
                line("(classic)", in: list.output)
                    == "a (classic) 1 2026-05-04T10:30:00.000Z 42 yes synced pi-1")
            #expect(
                line("env", in: list.output)
                    == "a env 1 2026-05-04T10:30:00.000Z 42 no failed: the document is too large for the cloud"
            )
            let json = await person.run("shadow", "list", "-o", "json")
            let all = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
            #expect(all?.map { ($0["sync"] as? [String: Any])?["state"] as? String } == ["synced", "failed"])
        }
    }

    @Test("show what each version changed, over pages, and what it was where nothing before is kept")
    func history() async throws {
        try await CommandTests().asOperator { person in
            for number in 1...4 {
                _ = await person.run("shadow", "update", "a", "--set", "desired.n=\(number)")
            }
            _ = await person.run("shadow", "delete", "a")
            _ = await person.run("shadow", "update", "a", "--set", "desired.n=5")
            let all = await person.run("shadow", "history", "a")
            #expect(all.status == 0, "\(all.error)")
            let time = "2026-05-04T10:30:00.000Z  operator:ann"
            #expect(
                all.output == """
                    version 6  \(time)
                      + desired.n: 5

                    version 5  \(time)  deleted

                    version 4  \(time)
                      ~ desired.n: 3 → 4

                    version 3  \(time)
                      ~ desired.n: 2 → 3

                    version 2  \(time)
                      ~ desired.n: 1 → 2

                    version 1  \(time)
                      + desired.n: 1

                    """)
            let two = await person.run("shadow", "history", "a", "--limit", "3", "-o", "json")
            let entries = try JSONSerialization.jsonObject(with: Data(two.output.utf8)) as? [[String: Any]]
            #expect(entries?.map { $0["version"] as? Int } == [6, 5, 4])
            #expect((entries?.last?["changes"] as? [[String: Any]])?.first?["from"] as? Int == 3)
            #expect(entries?[1]["deleted"] as? Bool == true)
            // Older ones have gone: the oldest is shown as it was, not as a change.
            person.cloud.state.withLock { $0.shadows.history["a/"]?.removeLast(3) }
            let cut = await person.run("shadow", "history", "a")
            #expect(cut.output.hasSuffix("version 4  \(time)\n    desired.n: 4\n"))
            person.cloud.state.withLock { $0.shadows.keepsHistory = false }
            let blind = await person.run("shadow", "update", "a", "--set", "desired.n=7")
            #expect(blind.output.hasPrefix("+ desired.n: 7\nThe shadow a has version 7.\n"), "\(blind.error)")
            #expect(await person.run("shadow", "history", "a").error.contains("Nothing is kept of a."))
        }
    }

    @Test("explain who won what by which rule")
    func explain() async throws {
        try await CommandTests().asOperator { person in
            _ = await person.run("shadow", "update", "a", "--set", "desired.n=1")
            let none = await person.run("shadow", "explain", "a")
            #expect(none.status == 0 && none.error.contains("No conflict is recorded"))
            person.cloud.state.withLock { state in
                state.shadows.conflicts = [
                    .with {
                        $0.path = "desired/fan/speed"
                        $0.base = "1"
                        $0.coreValue = "3"
                        $0.cloudValue = ""
                        $0.winner = "cloud"
                        $0.rule = "under desired the cloud wins"
                        $0.decideTime = FakeShadows.time
                        $0.coreVersion = 12
                        $0.cloudVersion = 9
                        $0.core = "pi-1"
                    }
                ]
            }
            let explained = await person.run("shadow", "explain", "a")
            #expect(
                explained.output == """
                    a: version 1, synced pi-1, last the same 2026-05-04T10:30:00.000Z

                    desired/fan/speed  2026-05-04T10:30:00.000Z
                      both had   1
                      core pi-1  3  (version 12)
                      cloud      nothing  (version 9)  won
                      rule: under desired the cloud wins

                    """)
            let json = try object(await person.run("shadow", "explain", "a", "-o", "json").output)
            let conflict = try #require((json["conflicts"] as? [[String: Any]])?.first)
            #expect(conflict["coreValue"] as? Int == 3 && conflict["cloudValue"] is NSNull)
            #expect(conflict["winner"] as? String == "cloud" && conflict["coreVersion"] as? Int == 12)
        }
    }
}
