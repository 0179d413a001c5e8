import Foundation
import HedgerowAPI
import Identity
import PKI
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Commands against a cloud", .timeLimit(.minutes(5)))
struct CommandTests {
    /// A person with a home directory, at a cloud.
    struct Person: Sendable {
        let directory: String
        let cloud: FakeCloud

        func run(_ arguments: String..., input: String = "") async -> (
            status: Int32, output: String, error: String
        ) {
            await run(arguments: arguments, input: input)
        }

        func run(arguments: [String], input: String = "") async -> (
            status: Int32, output: String, error: String
        ) {
            let captured = CommandIO.captured(
                input: input, environment: ["HEDGEROW_HOME": directory + "/home"])
            let status = await CommandIO.$current.withValue(captured.io) {
                await HedgerowProgram.run(arguments)
            }
            return (status, captured.output, captured.error)
        }
    }

    /// Runs `body` as an operator who has enrolled.
    func asOperator(_ body: @Sendable (Person) async throws -> Void) async throws {
        let cloud = try FakeCloud()
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "hedgerow-cli-\(UUID().uuidString)"
        ).path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await cloud.run { port, enrollment in
            let token = TokenFile(
                role: .operator, name: "ann",
                // The first address answers nothing: the second one has to be found.
                cloud: [
                    NetworkEndpoint(host: "127.0.0.1", port: 1),
                    NetworkEndpoint(host: "127.0.0.1", port: port),
                ],
                enrollment: [NetworkEndpoint(host: "127.0.0.1", port: enrollment)],
                rootCertificate: cloud.pki.root.certificatePEM, token: "good",
                expireTime: Date().addingTimeInterval(60),
                trustDomain: TestPKI.trustDomain)
            try token.write(to: directory + "/operator.token")
            let person = Person(directory: directory, cloud: cloud)
            let enrolled = await person.run("init", directory + "/operator.token")
            #expect(enrolled.status == 0, "\(enrolled.error)")
            #expect(enrolled.output.contains("You are operator/ann of test.example"))
            try await body(person)
        }
    }

    func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
    }

    @Test("enrol once, keep the key private, and refuse to replace an identity unasked")
    func enrolment() async throws {
        try await asOperator { person in
            #expect(try mode(person.directory + "/home") == 0o700)
            #expect(try mode(person.directory + "/home/identity.json") == 0o600)
            let again = await person.run("init", "--token", person.directory + "/operator.token")
            #expect(again.status == 1)
            #expect(again.error.contains("--force"))
            let forced = await person.run(
                "init", person.directory + "/operator.token", "--force", "-o", "json")
            #expect(forced.status == 0)
            #expect(forced.output.contains("\"principal\": \"operator/ann\""))
            let spent = person.directory + "/spent.token"
            let text = try String(contentsOfFile: person.directory + "/operator.token", encoding: .utf8)
            try text.replacing("good", with: "bad").write(toFile: spent, atomically: true, encoding: .utf8)
            let refused = await person.run("init", spent, "--force")
            #expect(refused.status == 4)
            #expect(refused.error == "hedgerow: the token was used already\n")
        }
    }

    @Test("register things, write their token files with mode 0600 and never over others")
    func things() async throws {
        try await asOperator { person in
            let file = person.directory + "/a.token"
            let created = await person.run(
                "things", "create", "a", "--core", "--attribute", "room=2", "--token-file", file,
                "--valid-for", "1h")
            #expect(created.status == 0, "\(created.error)")
            #expect(try mode(file) == 0o600)
            #expect(try String(contentsOfFile: file, encoding: .utf8).contains("core"))
            #expect(await person.run("things", "create", "b", "--token-file", file).status == 2)
            #expect(person.cloud.state.withLock { $0.things["b"] } == nil)
            #expect(
                await person.run("things", "create", "b", "--token-file", file, "--overwrite").status == 0)
            let taken = await person.run("things", "create", "b", "--token-file", file, "--overwrite")
            #expect(taken.status == 1)
            #expect(taken.error == "hedgerow: there is a thing b already\n")
            let listed = await person.run("things", "list", "--output", "json")
            let list = try JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]]
            #expect(list?.map { $0["name"] as? String } == ["a", "b"])
            #expect((list?.first?["attributes"] as? [String: String]) == ["room": "2"])
            #expect(await person.run("things", "list").output.contains("a     core   -"))
            #expect(await person.run("things", "show", "a").output.contains("No certificates."))
            #expect(await person.run("things", "show", "nobody").status == 3)
            #expect(await person.run("things", "delete", "a").status == 1)
            #expect(await person.run("things", "token", "a", "--token-file", file, "--overwrite").status == 0)
            #expect(
                await person.run("revoke", "a", "--role", "core").output
                    == "2 certificates of core a revoked.\n")
        }
    }

    @Test("apply files as they are written, and say what the cloud found wrong with its place")
    func groups() async throws {
        try await asOperator { person in
            let text = "kind: Group # mine\nname: press-hall\ncores: [pi-1]\n"
            let applied = await person.run("apply", "-f", "-", input: text)
            #expect(applied.status == 0, "\(applied.error)")
            #expect(applied.error == "Next: hedgerow deploy press-hall --wait\n")
            #expect(person.cloud.state.withLock { $0.definitions } == [text])
            let two = await person.run(
                "apply", "-f", "-", "-o", "json", input: text + "---\nkind: Group\nname: b\ncores: [c]\n")
            #expect(two.output.contains("\"group\": \"b\""))
            #expect(
                person.cloud.state.withLock { $0.definitions.count } == 2, "the first is there already")
            let refused = await person.run("apply", "-f", "-", input: text + "things: [unregistered]\n")
            #expect(refused.status == 2)
            #expect(
                refused.error
                    == "hedgerow: standard input:4:10: there is no thing unregistered; create it first\n")
            #expect(
                await person.run("groups", "list").output.contains(
                    "press-hall  3         pi-1   1       0 of 1"))
            let shown = await person.run("groups", "show", "press-hall")
            #expect(shown.output.contains("[fe80::1]:8883"))
            let definition = await person.run("groups", "show", "press-hall", "--definition")
            #expect(await person.run("apply", "-f", "-", "--dry-run", input: definition.output).status == 0)
            #expect(
                await person.run("groups", "rotate-ca", "press-hall").output.contains("1 attached core told"))
        }
    }

    @Test("follow a deployment to its end and end with its code")
    func deployments() async throws {
        try await asOperator { person in
            let good = await person.run("deploy", "press-hall", "--wait")
            #expect(good.status == 0, "\(good.error)")
            let lines = good.error.split(separator: "\n")
            #expect(lines.dropFirst() == ["pi-1  PENDING", "pi-1  IN_PROGRESS", "pi-1  SUCCEEDED"])
            person.cloud.state.withLock { $0.outcome = .failed }
            let bad = await person.run("deploy", "press-hall", "--wait", "-o", "json")
            #expect(bad.status == 6)
            #expect(
                bad.error.hasSuffix(
                    "hedgerow: the deployment did not succeed: pi-1 is FAILED; the disk is full\n"))
            #expect(bad.output.contains("\"status\": \"FAILED\""))
            person.cloud.state.withLock { $0.outcome = .inProgress }
            let slow = await person.run("deploy", "press-hall", "--wait", "--timeout", "1s")
            #expect(slow.status == 8)
            #expect(await person.run("deploy", "press-hall").status == 0)
            #expect(await person.run("deployments", "list").output.contains("CANCELED"))
            #expect(await person.run("deployments", "show", "d-9").status == 3)
        }
    }

    @Test("publish once and wait for the acknowledgement, over a session that was taken away")
    func publish() async throws {
        try await asOperator { person in
            person.cloud.state.withLock { $0.supersededAttempts = 2 }
            let published = await person.run("publish", "lamp/set", "--value", "on=true")
            #expect(published.status == 0, "\(published.error)")
            let state = person.cloud.state.withLock { ($0.sessions, $0.records) }
            #expect(state.0.count == 3)
            #expect(Set(state.0.map(\.epoch)).count == 1, "the same message, or it would be stored twice")
            #expect(
                state.0.allSatisfy { $0.epoch.count == 16 && $0.oldestSequence == 1 && $0.level == .synced })
            #expect(state.1.map(\.message.topic) == ["lamp/set"])
            let refused = await person.run("publish", "nowhere", "--payload", "x")
            #expect(refused.status == 4)
            #expect(refused.error.contains("(NO_ROUTE); no deployed subscription takes the topic nowhere"))
        }
    }

    @Test("show messages live and give credit back, beyond the first grant")
    func tail() async throws {
        try await asOperator { person in
            let tail = await person.run("tail", "bme680/#", "--count", "2500", "--output", "json")
            #expect(tail.status == 0, "\(tail.error)")
            #expect(tail.output.split(separator: "\n").count == 2_500)
            #expect(person.cloud.state.withLock { $0.credit } >= 2_500)
            let table = await person.run("tail", "--count", "1")
            #expect(table.output.hasPrefix("2026-05-04T10:30:00.125Z  bme680-1  bme680/readings"))
            #expect(table.error == "1 message\n")
        }
    }

    @Test("page through history to its end or the limit, and answer what was lost")
    func history() async throws {
        try await asOperator { person in
            let all = await person.run("history", "--thing", "x", "--since", "1h")
            #expect(all.output.split(separator: "\n").count == 7, "\(all.error)")
            let some = await person.run("history", "--limit", "3", "--output", "json")
            let list = try JSONSerialization.jsonObject(with: Data(some.output.utf8)) as? [[String: Any]]
            #expect(list?.map { $0["topic"] as? String } == ["t/0", "t/1", "t/2"])
            #expect(await person.run("ledger", "lucky", "--check").status == 0)
            #expect(await person.run("ledger", "unlucky").status == 0)
            let lost = await person.run("ledger", "unlucky", "--check")
            #expect(lost.status == 7)
            #expect(lost.output.contains("missing   2"))
        }
    }

    @Test("end with 5 where nobody answers, and with 4 where a stranger does")
    func unreachable() async throws {
        try await asOperator { person in
            let file = person.directory + "/operator.token"
            _ = await person.run("init", file, "--force", "--cloud", "127.0.0.1:1")
            let away = await person.run("things", "list")
            #expect(away.status == 5)
            #expect(away.error.contains("127.0.0.1:1"))
            #expect(away.error.split(separator: "\n").count == 1)
            try await FakeCloud().run { port, _ in
                _ = await person.run("init", file, "--force", "--cloud", "127.0.0.1:\(port)")
                let stranger = await person.run("things", "list")
                #expect(stranger.status == 4)
                #expect(stranger.error.contains("not trusted"))
            }
        }
    }
}
