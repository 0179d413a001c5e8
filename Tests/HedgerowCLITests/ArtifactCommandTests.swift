import Foundation
import Identity
import RPCSupport
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Commands about artifacts", .timeLimit(.minutes(5)))
struct ArtifactCommandTests {
    /// An operator at a real cloud, reached over a line that a test can cut.
    struct Operator: Sendable {
        let fleet: Fleet
        let link: FaultLink
        var directory: String { fleet.path }

        func run(_ arguments: String...) async -> (status: Int32, output: String, error: String) {
            let captured = CommandIO.captured(environment: ["HEDGEROW_HOME": directory + "/home"])
            let status = await CommandIO.$current.withValue(captured.io) {
                await HedgerowProgram.run(arguments)
            }
            return (status, captured.output, captured.error)
        }

        /// Writes a file; returns its path.
        func file(_ name: String, _ bytes: Data) throws -> String {
            let url = URL(fileURLWithPath: directory + "/" + name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try bytes.write(to: url)
            return url.path
        }
    }

    private struct Ports: Decodable {
        let mtls: Int
        let enrollment: Int
    }

    func asOperator(_ body: (Operator) async throws -> Void) async throws {
        try await withFleet(cores: [], things: ["t"], groups: []) { fleet in
            try await FaultProxy.with { proxy in
                let ports = try JSONDecoder().decode(
                    Ports.self, from: Data(contentsOf: URL(fileURLWithPath: fleet.cloudPath + "/ports.json")))
                let link = try await proxy.link("cloud", to: ports.mtls)
                let person = Operator(fleet: fleet, link: link)
                let token = try await fleet.tokenFile(.operator, "ann")
                let enrolled = await person.run(
                    "init", token, "--cloud", "127.0.0.1:\(link.port)", "--enrollment",
                    "127.0.0.1:\(ports.enrollment)")
                #expect(enrolled.status == 0, "\(enrolled.error)")
                try await body(person)
            }
        }
    }

    static func bytes(_ count: Int, seed: UInt64 = 1) -> Data {
        var generator = SeededGenerator(seed: seed)
        var bytes = Data(capacity: count + 8)
        while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
        return bytes.prefix(count)
    }

    static func digest(_ path: String) throws -> String {
        ArtifactDigest.text(try #require(try ArtifactDigest.of(file: path)).digest)
    }

    static func recipe(_ lines: String) -> String {
        ComponentCommandTests.recipe("1.0.0") + "artifacts:\n" + lines
    }

    @Test("push once, list, show and get by the first digits")
    func pushAndGet() async throws {
        try await asOperator { person in
            let path = try person.file("model.onnx", Self.bytes(600_000))
            let digest = try Self.digest(path)
            let pushed = await person.run("artifacts", "push", path)
            #expect(pushed.status == 0, "\(pushed.error)")
            #expect(pushed.output.contains(digest) && pushed.output.contains("uploaded"))
            let again = await person.run("artifacts", "push", path, "--verify", "-o", "json")
            #expect(again.output.contains("\"result\": \"unchanged\""))
            let listed = await person.run("artifacts", "list")
            #expect(listed.output.contains(digest.prefix(16)) && listed.output.contains("585.9 KiB"))
            let shown = await person.run("artifacts", "show", String(digest.prefix(6)))
            #expect(shown.output.contains(digest) && shown.output.contains("nothing; it is removed"))
            let copy = person.directory + "/copy.onnx"
            let got = await person.run("artifacts", "get", String(digest.prefix(6)), "-o", copy)
            #expect(got.status == 0, "\(got.error)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == Self.bytes(600_000))
            #expect(!FileManager.default.fileExists(atPath: copy + ".partial"))
            let unknown = await person.run("artifacts", "show", "0123456789")
            #expect(unknown.status == 3 && unknown.error.contains("artifacts list"))
            let absent = await person.run("artifacts", "push", person.directory + "/nothing")
            #expect(absent.status == 2 && absent.error.contains("there is no file"))
        }
    }

    @Test("go on where a cut left an upload and a download")
    func resume() async throws {
        try await asOperator { person in
            let path = try person.file("model.onnx", Self.bytes(6 << 20))
            let digest = try Self.digest(path)
            let partial = person.fleet.cloudPath + "/artifacts/partial/" + digest
            let pushed = try await withThrowingTaskGroup(of: Void.self) { group in
                person.link.hold(after: 3 << 20)
                group.addTask { try await cut(person.link, when: partial, has: 2 << 20) }
                let pushed = await person.run("artifacts", "push", path)
                try await group.waitForAll()
                return pushed
            }
            #expect(pushed.status == 0, "\(pushed.error)")
            let copy = person.directory + "/copy.onnx"
            let got = try await withThrowingTaskGroup(of: Void.self) { group in
                person.link.hold(after: 3 << 20)
                group.addTask { try await cut(person.link, when: copy + ".partial", has: 2 << 20) }
                let got = await person.run("artifacts", "get", digest, "-o", copy)
                try await group.waitForAll()
                return got
            }
            #expect(got.status == 0, "\(got.error)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == Self.bytes(6 << 20))
            #expect(got.error.contains("downloading model.onnx"), "a line where there is no terminal")
        }
    }

    @Test("push a component with what lies beside its recipe")
    func components() async throws {
        try await asOperator { person in
            let path = try person.file("predict/model.onnx", Self.bytes(1_000))
            let lines = await person.run("artifacts", "digest", path)
            #expect(lines.output.hasPrefix("artifacts:\n  - {name: model.onnx, sha256: "))
            let recipe = try person.file(
                "predict/predict.yaml", Data((ComponentCommandTests.recipe("1.0.0") + lines.output).utf8))
            let trial = await person.run("components", "push", recipe, "--dry-run")
            #expect(trial.status == 0 && trial.error.contains("is not in the cloud yet"), "\(trial.error)")
            let pushed = await person.run("components", "push", recipe)
            #expect(pushed.status == 0, "\(pushed.error)")
            let shown = await person.run("artifacts", "show", try Self.digest(path))
            #expect(shown.output.contains("used by:  double-it@1.0.0"))

            // Elsewhere, and there another file than the recipe's.
            let other = try person.file("other/model.onnx", Self.bytes(1_001, seed: 2))
            let wrong = await person.run(
                "components", "push", recipe, "--artifacts", person.directory + "/other")
            #expect(wrong.status == 2)
            #expect(
                wrong.error.contains("expected \(try Self.digest(path)) with 1000 bytes"), "\(wrong.error)")
            #expect(wrong.error.contains("got \(try Self.digest(other)) with 1001 bytes"))
        }
    }

    @Test("push no component whose files are neither here nor there")
    func missing() async throws {
        try await asOperator { person in
            let hex = String(repeating: "ab", count: 32)
            let recipe = try person.file(
                "predict.yaml", Data(Self.recipe("  - {name: model.onnx, sha256: \(hex), size: 5}\n").utf8))
            let refused = await person.run("components", "push", recipe)
            #expect(refused.status == 1)
            #expect(refused.error.contains("hedgerow artifacts push model.onnx"), "\(refused.error)")
            #expect(await person.run("components", "list").output.contains("double-it") == false)
        }
    }

    @Test("show a bar, the speed and the share")
    func bar() {
        #expect(TransferProgress.bar(0, of: 100) == "[--------------------]")
        #expect(TransferProgress.bar(45, of: 100) == "[#########-----------]")
        #expect(TransferProgress.bar(0, of: 0) == "[####################]")
        #expect(
            TransferProgress.text(22 << 20, of: 50 << 20, speed: 8_500_000)
                == "22.0 MiB of 50.0 MiB (44 %), 8.1 MiB/s")
    }

    /// Cuts a line that is held when a file has so many bytes.
    private func cut(_ link: FaultLink, when path: String, has bytes: Int) async throws {
        try await eventually(
            "a part is there",
            holds: {
                let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
                return (size ?? 0) >= bytes
            })
        link.release()
    }
}
