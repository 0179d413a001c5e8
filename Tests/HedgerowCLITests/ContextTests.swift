import Foundation
import Identity
import PKI
import RPCSupport
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Contexts", .timeLimit(.minutes(5)))
struct ContextTests {
    /// A home directory without any identity.
    struct Home: Sendable {
        let path: String
        let pki: TestPKI

        func run(_ arguments: String..., environment: [String: String] = [:]) async -> (
            status: Int32, output: String, error: String
        ) {
            let captured = CommandIO.captured(
                environment: ["HEDGEROW_HOME": path].merging(environment) { $1 })
            let status = await CommandIO.$current.withValue(captured.io) {
                await HedgerowProgram.run(arguments)
            }
            return (status, captured.output, captured.error)
        }

        /// Puts an identity where a context has it.
        func add(_ context: String, name: String) throws {
            let key = PrivateKey.generate()
            let principal = try Principal(role: .operator, name: name)
            let leaf = try pki.issuing.issueClient(
                request: key.signingRequest(commonName: name), principal: principal,
                trustDomain: pki.trustDomain, now: Date())
            try ContextStore(path: path).directory(of: context).save(
                StoredIdentity(
                    principal: principal, trustDomain: pki.trustDomain,
                    cloud: [NetworkEndpoint(host: "\(context).example", port: 8443)], keyPEM: key.pem,
                    chainPEM: leaf.chainPEM, rootPEM: pki.root.certificatePEM,
                    renewTime: Date().addingTimeInterval(3_600)))
        }
    }

    func with(_ body: @Sendable (Home) async throws -> Void) async throws {
        try await withTemporaryDirectory { try await body(Home(path: $0 + "/home", pki: TestPKI())) }
    }

    func object(_ text: String) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
    }

    @Test("are none at first, and commands say how to make one")
    func none() async throws {
        try await with { home in
            let list = await home.run("context", "list")
            #expect(list.status == 0)
            #expect(list.error.contains("hedgerow init FILE"))
            let things = await home.run("things", "list")
            #expect(things.status == 4)
            #expect(things.error.contains("hedgerow init FILE"))
            let named = await home.run("things", "list", "--context", "factory")
            #expect(named.status == 4)
            #expect(named.error.contains("hedgerow init --context factory FILE"), "\(named.error)")
        }
    }

    @Test("live side by side: option before variable before the current one")
    func sideBySide() async throws {
        try await with { home in
            try home.add("default", name: "ann")
            try home.add("factory", name: "bob")
            try home.add("farm", name: "eve")
            #expect(
                FileManager.default.fileExists(atPath: home.path + "/identity.json"), "where it always was")
            func shown(_ arguments: String..., environment: [String: String] = [:]) async throws -> String? {
                let captured = CommandIO.captured(
                    environment: ["HEDGEROW_HOME": home.path].merging(environment) { $1 })
                let status = await CommandIO.$current.withValue(captured.io) {
                    await HedgerowProgram.run(["context", "show", "-o", "json"] + arguments)
                }
                #expect(status == 0, "\(captured.error)")
                return try object(captured.output)["principal"] as? String
            }
            #expect(try await shown() == "operator/ann")
            #expect(try await shown("--context", "farm") == "operator/eve")
            #expect(try await shown(environment: ["HEDGEROW_CONTEXT": "factory"]) == "operator/bob")
            #expect(
                try await shown("--context", "farm", environment: ["HEDGEROW_CONTEXT": "factory"])
                    == "operator/eve")
            #expect(try await shown(environment: ["HEDGEROW_CONTEXT": ""]) == "operator/ann")
            let used = await home.run("context", "use", "factory")
            #expect(used.output == "The current context is factory: you are operator/bob of test.example.\n")
            #expect(try await shown() == "operator/bob")
            #expect(try await shown("--context", "default") == "operator/ann")
            #expect(try String(contentsOfFile: home.path + "/context", encoding: .utf8) == "factory\n")
            let list = await home.run("context", "list")
            let rows = list.output.split(separator: "\n").map {
                $0.split(separator: " ").prefix(3).joined(separator: " ")
            }
            #expect(
                rows == [
                    "CURRENT NAME IDENTITY", "- default operator/ann", "* factory operator/bob",
                    "- farm operator/eve",
                ])
            // The cloud that a command goes to is that of the context.
            let away = await home.run("things", "list", "--context", "farm")
            #expect(away.error.contains("farm.example:8443"), "\(away.error)")
            let other = await home.run("context", "use", "farm", environment: ["HEDGEROW_CONTEXT": "default"])
            #expect(other.error.contains("HEDGEROW_CONTEXT is default"))
        }
    }

    @Test("that do not exist are told with the one that was meant")
    func unknown() async throws {
        try await with { home in
            try home.add("factory", name: "ann")
            for arguments in [["things", "list", "--context", "facotry"], ["context", "use", "facotry"]] {
                let captured = CommandIO.captured(environment: ["HEDGEROW_HOME": home.path])
                let status = await CommandIO.$current.withValue(captured.io) {
                    await HedgerowProgram.run(arguments)
                }
                #expect(status == 3)
                #expect(
                    captured.error
                        == "hedgerow: there is no context \"facotry\" in \(home.path); did you mean \"factory\"?\n"
                )
            }
            let current = await home.run("things", "list")
            #expect(current.status == 3)
            #expect(
                current.error.contains("there is factory: choose with hedgerow context use"),
                "\(current.error)")
            #expect(await home.run("context", "use", "../x").status == 2)
            #expect(await home.run("things", "list", environment: ["HEDGEROW_CONTEXT": ".."]).status == 2)
            #expect(await home.run("context", "use", String(repeating: "a", count: 65)).status == 2)
        }
    }

    @Test("can be renamed, the standard one too, and stay current")
    func rename() async throws {
        try await with { home in
            try home.add("default", name: "ann")
            try home.add("farm", name: "eve")
            #expect(await home.run("context", "rename", "default", "farm").status == 2)
            let renamed = await home.run("context", "rename", "default", "factory")
            #expect(renamed.status == 0, "\(renamed.error)")
            #expect(!FileManager.default.fileExists(atPath: home.path + "/identity.json"))
            #expect(!FileManager.default.fileExists(atPath: home.path + "/key.pem"))
            #expect(
                try object(await home.run("context", "show", "-o", "json").output)["name"] as? String
                    == "factory")
            #expect(await home.run("context", "rename", "factory", "default").status == 0)
            #expect(FileManager.default.fileExists(atPath: home.path + "/identity.json"))
            #expect(!FileManager.default.fileExists(atPath: home.path + "/contexts/factory"))
            #expect(!FileManager.default.fileExists(atPath: home.path + "/context"))
        }
    }

    @Test("can be deleted, the current one with --force only, and one that cannot be read")
    func delete() async throws {
        try await with { home in
            try home.add("default", name: "ann")
            try home.add("farm", name: "eve")
            #expect(await home.run("context", "use", "farm").status == 0)
            let refused = await home.run("context", "delete", "farm")
            #expect(refused.status == 2)
            #expect(refused.error.contains("is the current one"))
            #expect(await home.run("context", "delete", "farm", "--force").status == 0)
            #expect(!FileManager.default.fileExists(atPath: home.path + "/contexts/farm"))
            #expect(
                try object(await home.run("context", "show", "-o", "json").output)["name"] as? String
                    == "default")
            try home.add("broken", name: "eve")
            try "{".write(
                toFile: home.path + "/contexts/broken/identity.json", atomically: true, encoding: .utf8)
            let list = await home.run("context", "list")
            #expect(list.status == 0, "one that cannot be read does not hide the others")
            #expect(list.output.contains("cannot be read"))
            #expect(await home.run("context", "delete", "broken").status == 1)
            #expect(await home.run("context", "delete", "broken", "--force").status == 0)
            #expect(await home.run("context", "delete", "broken", "--force").status == 3)
            try "..\n".write(toFile: home.path + "/context", atomically: true, encoding: .utf8)
            #expect(await home.run("things", "list").error.contains("hedgerow context use NAME"))
            #expect(await home.run("context", "use", "default").status == 0)
        }
    }

    @Test("are made by init, which makes the first one the current one")
    func initialise() async throws {
        try await CommandTests().asOperator { person in
            let file = person.directory + "/operator.token"
            let second = await person.run("init", "--context", "factory", file, "-o", "json")
            #expect(second.status == 0, "\(second.error)")
            let answer = try object(second.output)
            #expect(answer["context"] as? String == "factory")
            #expect(answer["current"] as? Bool == false)
            #expect(answer["home"] as? String == person.directory + "/home/contexts/factory")
            let again = await person.run("init", "--context", "factory", file)
            #expect(again.status == 1)
            #expect(again.error.contains("--context NAME to keep both"))
            #expect(await person.run("things", "list", "--context", "factory").status == 0)
            let fresh = person.directory + "/other"
            let first = await person.run("init", "--home", fresh, "--context", "farm", file)
            #expect(first.output.hasSuffix("Next: hedgerow things list\n"))
            #expect(await person.run("things", "list", "--home", fresh).status == 0, "it is the current one")
        }
    }
}
