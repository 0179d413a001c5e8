import Foundation
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport
import TestSupport
import Testing

@testable import Cloud

/// Downloads, lists and who may have what, over real TLS.
@Suite struct ArtifactDownloadTests {
    @Test func chunksComeFromAnyOffsetOn() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let file = TestFile(1_000_000)
            try await cloud.upload(admin, file)
            for offset in [0, 1, 262_144, 999_999, 1_000_000] {
                let answers = try await cloud.download(admin, file, from: UInt64(offset))
                #expect(answers.first?.sizeBytes == 1_000_000)
                #expect(answers.allSatisfy { $0.chunk.count <= ArtifactLimits.chunkBytes })
                #expect(answers.map(\.chunk).reduce(Data(), +) == file.bytes.dropFirst(offset))
            }
            let beyond = try await refusal { try await cloud.download(admin, file, from: 1_000_001) }
            #expect(beyond?.code == .outOfRange)
            let unknown = try await refusal { try await cloud.download(admin, TestFile(5)) }
            #expect(unknown?.reason == .notFound && unknown?.message.contains("artifacts push") == true)
        }
    }

    @Test func aCoreHasWhatADeploymentToldItToRunAndNothingElse() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let (file, other) = (TestFile(100_000), TestFile(100_000, seed: 2))
            try await cloud.upload(admin, file)
            try await cloud.upload(admin, other)
            try await cloud.push(admin, recipe("smooth", "1.0.0", artifacts: [("model.onnx", file)]))
            let core = try await cloud.register(admin, .core, "c")
            let stranger = try await cloud.register(admin, .core, "stranger")
            let thing = try await cloud.register(admin, .thing, "t")
            try await cloud.apply(admin, group())
            let early = try await refusal { try await cloud.download(core, file) }
            #expect(early?.code == .permissionDenied && early?.reason == .notYourResource)
            try await cloud.deploy(admin, "g")
            try await cloud.attach(core) { attached in
                attached.hello()
                _ = try await attached.assignment()
            }
            #expect(try await cloud.download(core, file).map(\.chunk).reduce(Data(), +) == file.bytes)
            for (identity, wanted) in [(core, other), (stranger, file)] {
                let refused = try await refusal { try await cloud.download(identity, wanted) }
                #expect(refused?.reason == .notYourResource)
            }
            #expect(try await refusal { try await cloud.download(thing, file) }?.reason == .roleNotAllowed)
            #expect(try await refusal { try await cloud.artifacts(core) }?.reason == .roleNotAllowed)
        }
    }

    @Test func aListNamesWhoNamesIt() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let files = (1...5).map { TestFile(1_000, seed: $0) }
            for file in files { try await cloud.upload(admin, file) }
            try await cloud.push(admin, recipe("a", "1.0.0", artifacts: [("x", files[0]), ("y", files[1])]))
            try await cloud.push(admin, recipe("b", "2.0.0", artifacts: [("z", files[0])]))
            let listed = try await cloud.artifacts(admin)
            #expect(listed.map(\.digest) == files.map(\.digest).sorted { $0.lexicographicallyPrecedes($1) })
            let users = Dictionary(uniqueKeysWithValues: listed.map { ($0.digest, $0.users) })
            #expect(
                users[files[0].digest].map { Set($0.map { "\($0.component)@\($0.version)" }) }
                    == ["a@1.0.0", "b@2.0.0"])
            #expect(users[files[2].digest] == [])
            let one = try await cloud.artifacts(admin, prefix: String(files[3].hex.prefix(10)))
            #expect(one.map(\.digest) == [files[3].digest])
            let bad = try await refusal { try await cloud.artifacts(admin, prefix: "XY") }
            #expect(bad?.violations.map(\.field) == ["digest_prefix"])
        }
    }

    @Test func aDamagedFileIsFoundAndUploadedAgain() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let file = TestFile(50_000)
            try await cloud.upload(admin, file)
            let path = cloud.server.context.artifacts.path(of: [UInt8](file.digest))
            var wrong = file.bytes
            wrong[7] ^= 1
            try wrong.write(to: URL(fileURLWithPath: path))
            #expect(try await cloud.heldOf(admin, file).hasArtifact)
            #expect(try await !cloud.heldOf(admin, file, verify: true).hasArtifact)
            #expect(try await cloud.upload(admin, file).created)
            #expect(try await cloud.heldOf(admin, file, verify: true).hasArtifact)

            try FileManager.default.removeItem(atPath: path)
            let gone = try await refusal { try await cloud.download(admin, file) }
            #expect(gone?.code == .dataLoss && gone?.reason == .artifactMismatch)
            #expect(try await cloud.upload(admin, file).created)
        }
    }

    @Test func whatIsRemovedWhileItIsDownloadedComesToItsEnd() async throws {
        try await withTemporaryDirectory { directory in
            let file = TestFile(1_000_000)
            let path = directory + "/file"
            try file.bytes.write(to: URL(fileURLWithPath: path))
            let open = try #require(try OpenArtifact(path: path))
            try FileManager.default.removeItem(atPath: path)
            #expect(try open.read(at: 500_000, count: 100) == file.bytes[500_000..<500_100])
            #expect(try open.read(at: 999_990, count: 100).count == 10)
        }
    }
}
