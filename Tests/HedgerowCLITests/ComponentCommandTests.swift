import Foundation
import HedgerowAPI
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Commands about components", .timeLimit(.minutes(5)))
struct ComponentCommandTests {
    static func recipe(_ version: String, factor: String = "2.0", name: String = "double-it") -> String {
        """
        kind: Component
        name: \(name)
        version: \(version)
        description: Twice the temperature
        transform:
          - set: {temperature: '\(factor) * reading.temperature'}
          - publish: doubled/reading

        """
    }

    static let group = """
        kind: Group
        name: press-hall
        cores: [pi-1]
        things: [bme680-1]
        components:
          - {name: double-it, version: ^1.0}
          - {name: again, component: double-it, version: 1.0.0}
        subscriptions:
          - {from: thing:bme680-1, topic: '#', to: component:double-it}
          - {from: component:double-it, topic: doubled/reading, to: cloud}

        """

    /// Runs `body` as an operator, with a function that writes a file and returns its path.
    func asOperator(
        _ body:
            @Sendable (CommandTests.Person, _ file: @Sendable (String, String) throws -> String) async throws
            -> Void
    ) async throws {
        try await CommandTests().asOperator { person in
            try await body(person) { name, text in
                let path = "\(person.directory)/\(name)"
                try text.write(toFile: path, atomically: true, encoding: .utf8)
                return path
            }
        }
    }

    /// What was written on a line with a word, its columns separated by one space.
    func line(_ word: String, in text: String) -> String {
        text.split(separator: "\n").first { $0.contains(word) }?.split(separator: " ").joined(separator: " ")
            ?? ""
    }

    @Test("push each file once, say so again, and refuse another recipe under the same version")
    func push() async throws {
        try await asOperator { person, file in
            let first = try file("1.yaml", Self.recipe("1.0.0"))
            let second = try file("2.yaml", Self.recipe("1.1.0"))
            let trial = await person.run("components", "push", first, "--dry-run")
            #expect(trial.status == 0, "\(trial.error)")
            #expect(person.cloud.state.withLock { $0.components.count } == 0)
            let pushed = await person.run("components", "push", first, second)
            #expect(pushed.status == 0, "\(pushed.error)")
            #expect(line("1.yaml", in: pushed.output).hasSuffix("double-it 1.0.0 created"))
            #expect(line("2.yaml", in: pushed.output).hasSuffix("double-it 1.1.0 created"))
            let other = try file("3.yaml", Self.recipe("1.0.0", factor: "3.0"))
            let mixed = await person.run("components", "push", other, first, "-o", "json")
            #expect(mixed.status == 1)
            let list = try JSONSerialization.jsonObject(with: Data(mixed.output.utf8)) as? [[String: Any]]
            #expect(list?.map { $0["result"] as? String } == ["refused", "unchanged"], "the next is tried")
            #expect(
                mixed.error
                    == "hedgerow: \(other): double-it 1.0.0 is registered with another recipe; raise the version\n"
            )
            #expect(person.cloud.state.withLock { $0.components.count } == 2)
        }
    }

    @Test(
        "push nothing where one of the files has an error, and show what only the cloud knows with its place")
    func pushErrors() async throws {
        try await asOperator { person, file in
            let good = try file("good.yaml", Self.recipe("1.0.0"))
            let bad = try file("bad.yaml", Self.recipe("1.0"))
            let refused = await person.run("components", "push", good, bad)
            #expect(refused.status == 2)
            #expect(refused.error.hasPrefix("hedgerow: \(bad):3:"))
            #expect(person.cloud.state.withLock { $0.components.isEmpty })
            #expect(await person.run("components", "push", good, good).status == 2)
            #expect(await person.run("components", "push", person.directory + "/none.yaml").status == 2)
            let group = try file("group.yaml", Self.group)
            let kind = await person.run("components", "push", group)
            #expect(kind.status == 2)
            #expect(kind.error.contains("hedgerow apply"), "\(kind.error)")
            let cloud = try file("cloud.yaml", Self.recipe("1.0.0") + "# only the cloud knows\n")
            let answered = await person.run("components", "push", cloud)
            #expect(answered.status == 2)
            #expect(answered.error == "hedgerow: \(cloud):5:3: that is not so\n  the line\n  ^\n")
        }
    }

    @Test("check without a cloud and without an identity")
    func check() async throws {
        let good = CommandIO.captured(input: Self.recipe("1.0.0"))
        #expect(await good.run("components", "check", "-") == 0, "\(good.error)")
        #expect(line("standard input", in: good.output) == "standard input double-it 1.0.0 ok")
        let bad = CommandIO.captured(
            input: Self.recipe("1.0.0").replacing("publish:", with: "publsh:"))
        #expect(await bad.run("components", "check", "-", "-o", "json") == 2)
        #expect(bad.error.hasPrefix("hedgerow: standard input:7:5: "))
        let list = try JSONSerialization.jsonObject(with: Data(bad.output.utf8)) as? [[String: Any]]
        #expect(list?.first?["valid"] as? Bool == false)
        let errors = list?.first?["errors"] as? [[String: Any]]
        #expect(errors?.first?["line"] as? Int == 7)
    }

    @Test("list and show what is registered, the recipe as it was written")
    func listAndShow() async throws {
        try await asOperator { person, file in
            let empty = await person.run("components", "list")
            #expect(empty.error.contains("hedgerow components push FILE"))
            let text = Self.recipe("1.0.0") + "# mine\n"
            let files = [
                try file("1.yaml", text), try file("2.yaml", Self.recipe("1.1.0")),
                try file("3.yaml", Self.recipe("2.0.0", name: "other")),
            ]
            for path in files { #expect(await person.run("components", "push", path).status == 0) }
            let all = await person.run("components", "list")
            #expect(all.output.split(separator: "\n").count == 4)
            let one = await person.run("components", "list", "double-it", "-o", "json")
            let list = try JSONSerialization.jsonObject(with: Data(one.output.utf8)) as? [[String: Any]]
            #expect(list?.map { $0["version"] as? String } == ["1.1.0", "1.0.0"])
            #expect(list?.first?["groups"] as? [String] == ["press-hall"])
            #expect((list?.first?["recipeDigest"] as? String)?.count == 64)
            let shown = await person.run("components", "show", "double-it")
            #expect(line("version", in: shown.output) == "version 1.1.0")
            #expect(line("publishes", in: shown.output) == "publishes doubled/reading")
            #expect(line("access", in: shown.output) == "access none")
            let recipe = await person.run("components", "show", "double-it@1.0.0", "--recipe")
            #expect(recipe.output == text)
            #expect(await person.run("components", "show", "nothing").status == 3)
            let latest = await person.run("components", "show", "double-it@latest")
            #expect(latest.status == 2)
            #expect(latest.error.contains("hedgerow components list double-it"))
        }
    }

    @Test("show what a program is")
    func program() async throws {
        try await asOperator { person, file in
            let recipe = """
                kind: Component
                name: press
                version: 1.0.0
                process:
                  run: [python3, main.py, --rate, 20]
                  install: {command: 'pip install -r needs.txt', timeout: 5m}
                  health: {report: true}
                  mode: onDemand
                  limits: {memory: 128MiB, cpu: 0.5}
                  environment: {LEVEL: info, PORT: 80}
                  secrets: [weather-key]
                access: {host: [cpu_temperature], devices: [/dev/i2c-1], network: true}

                """
            let checked = await person.run("components", "check", try file("press.yaml", recipe))
            #expect(checked.status == 0, "\(checked.error)")
            #expect(
                await person.run("components", "push", try file("press.yaml", recipe)).status == 0)
            let shown = await person.run("components", "show", "press").output
            #expect(line("runs", in: shown) == "runs python3 main.py --rate 20")
            #expect(line("install", in: shown) == "install pip install -r needs.txt (at most 5m)")
            #expect(line("health", in: shown) == "health reported every 30s, 3 failures")
            #expect(line("mode", in: shown) == "mode on demand, ends after 1m without an event")
            #expect(line("handler timeout", in: shown) == "handler timeout 3s")
            #expect(line("sandbox", in: shown) == "sandbox preferred")
            #expect(line("limits", in: shown) == "limits memory 128MiB, cpu 0.5")
            #expect(line("log", in: shown) == "log at most 10MiB")
            #expect(line("environment", in: shown) == "environment LEVEL PORT")
            #expect(line("secrets", in: shown) == "secrets weather-key")
            #expect(
                line("access", in: shown) == "access cpu_temperature, device /dev/i2c-1, network")
            #expect(line("publishes", in: shown) == "")
        }
    }

    @Test("apply with the lock and the warnings, and with the place of what no version fits")
    func apply() async throws {
        try await asOperator { person, file in
            let group = try file("group.yaml", Self.group)
            let missing = await person.run("apply", "-f", group)
            #expect(missing.status == 1)
            #expect(
                missing.error.hasPrefix("hedgerow: \(group):6:12: component:double-it wants double-it ^1.0"))
            #expect(missing.error.split(separator: "\n").count == 2)
            _ = await person.run("components", "push", try file("1.yaml", Self.recipe("1.0.0")))
            _ = await person.run("components", "push", try file("2.yaml", Self.recipe("1.1.0")))
            let applied = await person.run("apply", "-f", group)
            #expect(applied.status == 0, "\(applied.error)")
            #expect(line("again", in: applied.output) == "press-hall again double-it 1.0.0")
            #expect(line("1.1.0", in: applied.output) == "press-hall double-it double-it 1.1.0")
            #expect(
                applied.error.hasPrefix("hedgerow: warning: press-hall: dead letters of component:double-it"))
            let json = await person.run("apply", "-f", group, "-o", "json")
            #expect(json.output.contains("\"instance\": \"again\""))
            #expect(json.output.contains("\"warnings\": [\n"))
        }
    }

    @Test("show locks with deployments and statuses with groups, and write groups back")
    func statuses() async throws {
        try await asOperator { person, file in
            _ = await person.run("components", "push", try file("1.yaml", Self.recipe("1.0.0")))
            _ = await person.run("apply", "-f", try file("group.yaml", Self.group))
            let deployed = await person.run("deploy", "press-hall", "--wait")
            #expect(deployed.error.contains("component  again = double-it 1.0.0\n"))
            #expect(
                line("again", in: deployed.output)
                    == "again double-it 1.0.0 \(String(repeating: "0", count: 16))")
            let json = await person.run("deploy", "press-hall", "-o", "json")
            #expect(json.output.contains("\"lock\": [\n"))
            let shown = await person.run("groups", "show", "press-hall")
            #expect(shown.output.contains("INSTANCE   COMPONENT  VERSION WANTED"))
            #expect(shown.output.contains("pi-1  again      double-it  1.0.0    1000  850  50        100"))
            let causes = shown.output.split(separator: "\n").filter {
                $0.contains("again") && $0.contains("T10:30")
            }
            #expect(
                causes.map { $0.hasSuffix("division by zero") } == [true, false], "the most frequent first")
            let status = await person.run("groups", "show", "press-hall", "-o", "json")
            #expect(status.output.contains("\"messagesFailed\": 100"))
            let definition = await person.run("groups", "show", "press-hall", "--definition")
            #expect(definition.output.contains("  - {name: again, component: double-it, version: \"^1\"}\n"))
        }
    }
}

extension ComponentCommandTests {
    /// The results of a push in JSON, by their order.
    private func results(_ text: String) throws -> [String?] {
        let list = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]]
        return list?.map { $0["result"] as? String } ?? []
    }

    @Test("compare the files of a trial with each other, as the push will")
    func trialComparesFiles() async throws {
        try await asOperator { person, file in
            let first = try file("1.yaml", Self.recipe("1.0.0"))
            let copy = try file("2.yaml", Self.recipe("1.0.0"))
            let other = try file("3.yaml", Self.recipe("1.0.0+build", factor: "3.0"))
            let trial = await person.run("components", "push", first, copy, other, "--dry-run", "-o", "json")
            #expect(trial.status == 1)
            #expect(try results(trial.output) == ["created", "unchanged", "refused"])
            #expect(
                trial.error
                    == "hedgerow: \(other): double-it 1.0.0 is in \(first) with another recipe; raise the version\n"
            )
            #expect(person.cloud.state.withLock { $0.components.isEmpty })
        }
    }

    @Test("list every file in JSON where one of them has an error")
    func invalidListed() async throws {
        try await asOperator { person, file in
            let good = try file("good.yaml", Self.recipe("1.0.0"))
            let bad = try file("bad.yaml", Self.recipe("1.0"))
            let refused = await person.run("components", "push", good, bad, "-o", "json")
            #expect(refused.status == 2)
            #expect(try results(refused.output) == ["notPushed", "invalid"])
            #expect(refused.output.contains("\(bad):3:"))
            #expect(refused.error.hasPrefix("hedgerow: \(bad):3:"))
            #expect(person.cloud.state.withLock { $0.components.isEmpty })
        }
    }
}
