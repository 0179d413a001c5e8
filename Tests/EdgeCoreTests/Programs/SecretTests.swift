import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import TestSupport
import Testing

@testable import EdgeCore

/// Secrets on a whole core, from a cloud that is no cloud.
@Suite("Secrets of a core", .timeLimit(.minutes(5))) struct SecretTests {
    private static func instance(_ name: String = "p", version: String = "1.0.0", _ secrets: String = "[key]")
        -> ProgramFixture.Instance
    {
        ProgramFixture.Instance(
            name: name, version: version,
            lines: [ProgramFixture.steady, "settle: 0s", "secrets: \(secrets)"])
    }

    private func file(_ name: String, _ fixture: ProgramFixture, group: String = "hall") -> String {
        "\(fixture.harness.statePath)/secrets/group-\(group)/\(name)"
    }

    private func content(_ name: String, _ fixture: ProgramFixture) -> String? {
        FileManager.default.contents(atPath: file(name, fixture)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// What a program is given.
    private func given(_ name: String, _ core: CoreServer) async throws -> String? {
        try await core.programs?.secret(name).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("come with the deployment, in files for nobody else, and stay without a cloud") func delivery()
        async throws
    {
        try await ProgramFixture.with { fixture in
            fixture.cloud.set(secret: "key", to: Array("first".utf8))
            fixture.cloud.set(secret: "foreign", to: Array("not asked for".utf8))
            try await fixture.runBoth { core in
                #expect(try await fixture.deploy(fixture.revision(1, [Self.instance()])).status == .succeeded)
                #expect(fixture.cloud.secretRequests == ["d-1"])
                #expect(try await given("key", core) == "first")
                for (path, mode) in [
                    ("/secrets", 0o700), ("/secrets/group-hall", 0o700), ("/secrets/group-hall/key", 0o600),
                ] {
                    let found = try FileManager.default.attributesOfItem(
                        atPath: fixture.harness.statePath + path)
                    #expect(found[.posixPermissions] as? Int == mode, "\(path)")
                }
                // What no recipe here asks for is not kept, whatever the cloud sends.
                #expect(content("foreign", fixture) == nil)
                // A value that changes comes at once where the cloud says so.
                fixture.cloud.set(secret: "key", to: Array("second".utf8))
                fixture.cloud.send { $0.secretsChanged = .init() }
                try await eventually("the second value") { self.content("key", fixture) == "second" }
            }
            // Nothing listens at the cloud's address any more.
            try await fixture.run { core in
                _ = try await fixture.pid(of: "p", in: core)
                #expect(try await given("key", core) == "second")
                #expect(!core.status.snapshot.isAttached)
            }
            // And what changed meanwhile comes with the attachment.
            fixture.cloud.set(secret: "key", to: Array("third".utf8))
            try await fixture.runBoth { core in
                try await eventually("the third value") { self.content("key", fixture) == "third" }
                fixture.cloud.set(secret: "key", to: nil)
                fixture.cloud.send { $0.secretsChanged = .init() }
                try await eventually("no value") { self.content("key", fixture) == nil }
                #expect(try await given("key", core) == nil)
            }
        }
    }

    @Test("that the group has not set fail the deployment before anything changes") func missing()
        async throws
    {
        try await ProgramFixture.with { fixture in
            fixture.cloud.set(secret: "key", to: Array("value-of-key".utf8))
            fixture.cloud.set(secret: "other", to: nil)
            try await fixture.runBoth { core in
                try await fixture.deploy(fixture.revision(1, [Self.instance()]))
                let pid = try await fixture.pid(of: "p", in: core)
                let report = try await fixture.deploy(
                    fixture.revision(2, [Self.instance(version: "1.1.0", "[key, other]")]))
                #expect(report.status == .failed)
                #expect(
                    report.reason.hasSuffix(
                        "component instance \"p\" (p 1.1.0) reads secret \"other\", which group \"hall\" has not; set it "
                            + "(hedgerow secrets set hall other) and deploy again"), "\(report.reason)")
                #expect(core.revision.current?.revision == 1)
                #expect(try await fixture.pid(of: "p", in: core) == pid)
                fixture.cloud.set(secret: "other", to: Array("value-of-other".utf8))
                let again = try await fixture.deploy(
                    fixture.revision(2, [Self.instance(version: "1.1.0", "[key, other]")]), id: "d-3")
                #expect(again.status == .succeeded)
                #expect(try await given("other", core) == "value-of-other")
            }
        }
    }

    @Test("are fetched again while the cloud has trouble, and a refusal fails the deployment") func trouble()
        async throws
    {
        try await ProgramFixture.with { fixture in
            fixture.cloud.set(secret: "key", to: Array("first".utf8))
            fixture.cloud.failSecrets([RPCError(code: .unavailable, message: "later")])
            try await fixture.runBoth { core in
                #expect(try await fixture.deploy(fixture.revision(1, [Self.instance()])).status == .succeeded)
                #expect(fixture.cloud.secretRequests == ["d-1", "d-1"])
                fixture.cloud.failSecrets([
                    RPCError(code: .failedPrecondition, message: "the key of the secrets is missing")
                ])
                let report = try await fixture.deploy(fixture.revision(2, [Self.instance(version: "1.1.0")]))
                #expect(report.status == .failed)
                for words in ["its secrets could not be fetched", "the key of the secrets is missing"] {
                    #expect(report.reason.contains(words), "\(report.reason)")
                }
                #expect(core.revision.current?.revision == 1)
            }
        }
    }

    @Test("go when neither what runs nor what was before it reads them") func removal() async throws {
        try await ProgramFixture.with { fixture in
            fixture.cloud.set(secret: "key", to: Array("first".utf8))
            fixture.cloud.set(secret: "other", to: Array("second".utf8))
            try await fixture.runBoth { core in
                try await fixture.deploy(fixture.revision(1, [Self.instance()]))
                try await fixture.deploy(fixture.revision(2, [Self.instance(version: "1.1.0", "[other]")]))
                #expect(content("other", fixture) == "second")
                #expect(content("key", fixture) == "first", "to go back to")
                try await fixture.deploy(fixture.revision(3, [Self.instance(version: "1.2.0", "[other]")]))
                try await eventually("the first one gone") { self.content("key", fixture) == nil }
                #expect(content("other", fixture) == "second")
                try await fixture.deploy(fixture.revision(4, []))
                try await fixture.deploy(
                    fixture.revision(5, [], subscriptions: [("thing:a", "t/#", "cloud")]))
                try await eventually("the directory gone") {
                    !FileManager.default.fileExists(atPath: fixture.harness.statePath + "/secrets/group-hall")
                }
            }
        }
    }

    @Test("are files by group, and what was left of a write goes") func files() async throws {
        try await withTemporaryDirectory { directory in
            let files = SecretFiles(path: directory + "/secrets")
            #expect(try files.value(of: "key", in: "..") == nil)
            #expect(try files.set([1], as: "key", in: ".."))
            #expect(try files.set([2], as: "key", in: "hall"))
            #expect(try !files.set([2], as: "key", in: "hall"))
            #expect(try files.value(of: "key", in: "..") == [1])
            #expect(try files.value(of: "key", in: "hall") == [2])
            for name in ["..", ".", "a/b", ""] {
                #expect(try !files.set([3], as: name, in: "hall"))
                #expect(try files.value(of: name, in: "hall") == nil)
            }
            let rest = directory + "/secrets/group-hall/key.tmp-1"
            #expect(FileManager.default.createFile(atPath: rest, contents: Data([9])))
            try files.removeAll(except: ["hall": ["key"]])
            #expect(files.all == [directory + "/secrets/group-hall/key"])
            #expect(try files.remove("key", of: "hall"))
            #expect(try !files.remove("key", of: "hall"))
        }
    }
}
