import Foundation
import Identity
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Commands about shadows against a real cloud", .timeLimit(.minutes(5)))
struct ShadowCloudTests {
    /// An operator with a home directory.
    private struct Person: Sendable {
        let home: String

        func run(_ arguments: String..., input: String = "") async -> (
            status: Int32, output: String, error: String
        ) {
            let captured = CommandIO.captured(input: input, environment: ["HEDGEROW_HOME": home])
            let status = await CommandIO.$current.withValue(captured.io) {
                await HedgerowProgram.run(arguments)
            }
            return (status, captured.output, captured.error)
        }
    }

    /// Runs `body` as an operator of a cloud that knows the thing `fan-1`.
    private func asOperator(_ body: (Person, Fleet) async throws -> Void) async throws {
        try await withFleet(cores: [], things: ["fan-1"], groups: []) { fleet in
            let person = Person(home: fleet.path + "/home")
            let enrolled = await person.run("init", try await fleet.tokenFile(.operator, "ann"))
            try #require(enrolled.status == 0, "\(enrolled.error)")
            try await body(person, fleet)
        }
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    @Test("change a shadow, show it, and say what each version changed and who did it")
    func wayOfAShadow() async throws {
        try await asOperator { person, fleet in
            let made = await person.run(
                "shadow", "update", "fan-1", "--set", "desired.fan=true", "--set", "desired.speed.max=3",
                "--set", #"reported."room.air"=21.5"#, "--version", "1")
            #expect(
                made.output == """
                    + desired.fan: true
                    + desired.speed.max: 3
                    + reported."room.air": 21.5
                    The shadow fan-1 has version 1.
                    ≠ fan: true is desired, not reported
                    ≠ speed.max: 3 is desired, not reported

                    """, "\(made.error)")
            let changed = await person.run(
                "shadow", "update", "fan-1", "--set", "desired.speed=null", "--reported", #"{"fan": true}"#,
                "--if",
                "exists && state.reported['room.air'] < 30.0")
            #expect(
                changed.output == """
                    - desired.speed.max: 3
                    + reported.fan: true
                    The shadow fan-1 has version 2.

                    """, "\(changed.error)")
            let shown = await person.run("shadow", "get", "fan-1", "-o", "json")
            let state = try #require(try object(shown.output)["state"] as? [String: [String: Any]])
            #expect(state["desired"]?["fan"] as? Bool == true && state["delta"] == nil)
            #expect(state["reported"]?["room.air"] as? Double == 21.5)
            let list = await person.run("shadow", "list", "fan-1")
            let line = ComponentCommandTests().line("(classic)", in: list.output)
            #expect(line.hasPrefix("fan-1 (classic) 2 ") && line.hasSuffix(" no local"), "\(list.output)")
            let history = await person.run("shadow", "history", "fan-1", "-o", "json")
            let entries =
                try JSONSerialization.jsonObject(with: Data(history.output.utf8)) as? [[String: Any]]
            #expect(entries?.map { $0["version"] as? Int } == [2, 1])
            #expect(entries?.map { $0["author"] as? String } == ["operator:ann", "operator:ann"])
            let explained = await person.run("shadow", "explain", "fan-1")
            #expect(explained.output == "fan-1: version 2, local\n" && explained.status == 0)
            let deleted = await person.run("shadow", "delete", "fan-1", "--version", "2")
            #expect(deleted.output == "The shadow fan-1 is deleted (version 3).\n", "\(deleted.error)")
            let again = await person.run("shadow", "update", "fan-1", "--set", "desired.fan=false")
            #expect(again.output.contains("The shadow fan-1 has version 4."), "\(again.error)")
            let blocks = await person.run("shadow", "history", "fan-1", "--limit", "2").output
            #expect(blocks.contains("made anew\n  + desired.fan: false\n"), "\(blocks)")
            #expect(blocks.contains("deleted\n"))
        }
    }

    @Test("say in people's words why a change was refused")
    func refusals() async throws {
        try await asOperator { person, _ in
            #expect(await person.run("shadow", "get", "fan-1").status == 3)
            #expect(await person.run("shadow", "get", "nobody").status == 3)
            _ = await person.run("shadow", "update", "fan-1", "--set", "desired.a=1")
            let late = await person.run("shadow", "update", "fan-1", "--set", "desired.a=2", "--version", "9")
            #expect(late.status == 1)
            #expect(late.error.contains("the shadow fan-1 has version 1 now; nothing was changed"))
            let unmet = await person.run(
                "shadow", "update", "fan-1", "--set", "desired.a=2", "--if", "version > 7")
            #expect(unmet.status == 1)
            #expect(unmet.error == "hedgerow: the condition is not true; nothing was changed\n")
            let wrong = await person.run(
                "shadow", "update", "fan-1", "--set", "desired.a=2", "--if", "version >")
            #expect(wrong.status == 2 && wrong.error.contains("the condition is no expression"))
            let array = await person.run("shadow", "update", "fan-1", "--set", "desired.a=[1, null]")
            #expect(array.status == 2 && array.error.contains("array"), "\(array.error)")
            let large = String(repeating: "x", count: 9_000)
            let tooLarge = await person.run("shadow", "update", "fan-1", "--set", "desired.a=\(large)")
            #expect(
                tooLarge.status == 2 && tooLarge.error.contains("nothing was changed"), "\(tooLarge.error)")
            #expect(
                await person.run("shadow", "update", "fan-1", "--name", "a b", "--set", "desired.a=1").status
                    == 2)
            #expect(await person.run("shadow", "get", "fan-1", "-o", "json").output.contains("\"a\": 1"))
        }
    }

    @Test("watch what happens, from a version and from a position on")
    func watching() async throws {
        try await asOperator { person, _ in
            for number in 1...3 {
                _ = await person.run("shadow", "update", "fan-1", "--set", "desired.n=\(number)")
            }
            let now = await person.run("shadow", "watch", "fan-1", "--no-follow")
            #expect(
                now.output == """
                    fan-1  version 3  as it is now
                      desired.n: 3
                      ≠ n: desired 3, reported nothing

                    """, "\(now.error)")
            let after = await person.run("shadow", "watch", "fan-1", "--after", "1", "--no-follow")
            #expect(
                after.output == """
                    fan-1  version 2  updated
                      ~ desired.n: 1 → 2
                    fan-1  version 3  updated
                      ~ desired.n: 2 → 3

                    """, "\(after.error)")
            let first = await person.run(
                "shadow", "watch", "fan-1", "--after", "1", "--kind", "delta", "--count", "1", "-o", "json")
            let position = try #require(try object(first.output)["position"] as? String)
            _ = await person.run("shadow", "update", "fan-1", "--name", "env", "--set", "reported.t=1")
            let rest = await person.run(
                "shadow", "watch", "fan-1", "--position", position, "--kind", "delta", "--no-follow")
            #expect(rest.output == "fan-1  version 3  desired, not reported\n  n: 3\n", "\(rest.error)")
            let all = await person.run("shadow", "watch", "--no-follow")
            #expect(
                all.output.contains("fan-1/env  version 1  as it is now\n  reported.t: 1\n"), "\(all.output)")
        }
    }

    @Test("goes on where the stream broke when the cloud comes back")
    func interruption() async throws {
        try await asOperator { person, fleet in
            _ = await person.run("shadow", "update", "fan-1", "--set", "desired.n=1")
            let captured = CommandIO.captured(environment: ["HEDGEROW_HOME": person.home])
            async let status = captured.run("shadow", "watch", "fan-1", "--count", "3")
            try await eventually("it watches") { captured.output.contains("version 1  as it is now") }
            _ = await person.run("shadow", "update", "fan-1", "--set", "desired.n=2")
            try await eventually("the change is shown") { captured.output.contains("version 2  updated") }
            _ = try await fleet.stopCloud()
            try await eventually("the break is noted") { captured.error.contains("connecting again") }
            try await fleet.startCloud()
            let changed = await person.run("shadow", "update", "fan-1", "--set", "desired.n=3")
            #expect(changed.status == 0, "\(changed.error)")
            #expect(await status == 0)
            #expect(
                captured.output == """
                    fan-1  version 1  as it is now
                      desired.n: 1
                      ≠ n: desired 1, reported nothing
                    fan-1  version 2  updated
                      ~ desired.n: 1 → 2
                    fan-1  version 3  updated
                      ~ desired.n: 2 → 3

                    """)
        }
    }
}
