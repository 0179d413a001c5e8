import Foundation
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Uploads, over real TLS.
@Suite struct ArtifactUploadTests {
    @Test func aFileIsStoredUnderItsDigestOnce() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let file = TestFile(700_000)
            let reply = try await cloud.upload(admin, file)
            #expect(reply.created && reply.artifact.name == "model.onnx")
            #expect(reply.artifact.sizeBytes == 700_000 && reply.artifact.digest == file.digest)
            let path = cloud.state + "/artifacts/\(file.hex.prefix(2))/\(file.hex)"
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == file.bytes)
            let again = try await cloud.upload(admin, file, name: "other.onnx", chunks: [])
            #expect(!again.created && again.artifact.name == "model.onnx")
            #expect(try await cloud.heldOf(admin, file).artifact.digest == file.digest)
            let left = try FileManager.default.contentsOfDirectory(atPath: cloud.state + "/artifacts/partial")
            #expect(left.isEmpty)
            // An empty file is a file.
            #expect(try await cloud.upload(admin, TestFile(0), name: "empty").created)
            #expect(try await cloud.artifacts(admin).count == 2)
        }
    }

    @Test func otherBytesThanAnnouncedAreRefusedAndDiscarded() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let file = TestFile(300_000)
            var wrong = file.bytes
            wrong[123_456] ^= 1
            let other = try await refusal {
                try await cloud.upload(
                    admin, file,
                    chunks: [Data(wrong.prefix(200_000)), Data(wrong.dropFirst(200_000))])
            }
            #expect(other?.code == .invalidArgument && other?.reason == .artifactMismatch)
            #expect(other?.message.contains(file.hex) == true)
            #expect(try await cloud.heldOf(admin, file).heldBytes == 0)
            let long = try await refusal {
                try await cloud.upload(admin, file, chunks: file.chunks() + [Data([1])])
            }
            #expect(long?.reason == .artifactMismatch)
            let left = try FileManager.default.contentsOfDirectory(atPath: cloud.state + "/artifacts/partial")
            #expect(left.isEmpty)
            #expect(try await cloud.upload(admin, file).created)
        }
    }

    @Test func aCutUploadGoesOnAlsoAfterARestartOfTheCloud() async throws {
        try await withTemporaryDirectory { path in
            let file = TestFile(900_000)
            let admin = try await withCloud(state: path) { cloud in
                let admin = try await cloud.enrollOperator()
                try await cloud.uploadPart(admin, file, bytes: 500_000)
                #expect(try await cloud.heldOf(admin, file).heldBytes == 500_000)
                return admin
            }
            // What came after the last sync is not trusted, whatever the file's length says.
            let partial = path + "/artifacts/partial/" + file.hex
            let handle = try #require(FileHandle(forWritingAtPath: partial))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(repeating: 0, count: 10_000))
            try handle.close()
            try await withCloud(state: path) { cloud in
                #expect(try await cloud.heldOf(admin, file).heldBytes == 500_000)
                let ahead = try await refusal { try await cloud.upload(admin, file, from: 600_000) }
                #expect(ahead?.code == .outOfRange && ahead?.details["held"] == "500000")
                #expect(try await cloud.heldOf(admin, file).heldBytes == 500_000)
                #expect(try await cloud.upload(admin, file, from: 500_000).created)
                #expect(try await cloud.heldOf(admin, file, verify: true).hasArtifact)
            }
        }
    }

    @Test func anUploadThatEndsEarlyIsKept() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let file = TestFile(300_000)
            let early = try await refusal {
                try await cloud.upload(admin, file, chunks: [Data(file.bytes.prefix(100_000))])
            }
            #expect(early?.code == .invalidArgument && early?.details["held"] == "100000")
            // Further back is allowed too: what is beyond is discarded.
            #expect(try await cloud.upload(admin, file, from: 50_000).created)
            #expect(try await cloud.download(admin, file).map(\.chunk).reduce(Data(), +) == file.bytes)
        }
    }

    @Test func twoUploadsOfTheSameFileDoNoHarm() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let file = TestFile(3_000_000)
            let outcomes = try await withThrowingTaskGroup(of: HedgerowError?.self) { group in
                for _ in 0..<4 { group.addTask { try await refusal { try await cloud.upload(admin, file) } } }
                return try await group.reduce(into: [HedgerowError?]()) { $0.append($1) }
            }
            #expect(outcomes.contains { $0 == nil })
            for error in outcomes.compactMap({ $0 }) { #expect(error.reason == .sessionSuperseded) }
            #expect(try await cloud.heldOf(admin, file, verify: true).hasArtifact)
        }
    }

    @Test func limitsAreSaidWithWhatToDo() async throws {
        try await withTemporaryDirectory { path in
            let limits = CloudConfiguration.Artifacts(maximumSize: 1_000_000, maximumTotalSize: 1_500_000)
            try await withCloud(state: path, artifacts: limits) { cloud in
                let admin = try await cloud.enrollOperator()
                let large = try await refusal { try await cloud.upload(admin, TestFile(1_000_001)) }
                #expect(large?.code == .resourceExhausted && large?.reason == .quotaExceeded)
                #expect(large?.message.contains("artifacts.maxSize") == true)
                try await cloud.upload(admin, TestFile(900_000))
                // An unfinished file counts too.
                try await cloud.uploadPart(admin, TestFile(400_000, seed: 2), bytes: 300_000)
                let full = try await refusal { try await cloud.upload(admin, TestFile(400_000, seed: 3)) }
                #expect(full?.reason == .quotaExceeded)
                #expect(full?.message.contains("artifacts.maxTotalSize") == true)
                #expect(try await cloud.upload(admin, TestFile(200_000, seed: 4)).created)
            }
        }
    }

    @Test(arguments: ["", "a/b", "a\nb", String(repeating: "x", count: 256)])
    func aNameIsAFileName(_ name: String) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let error = try await refusal { try await cloud.upload(admin, TestFile(10), name: name) }
            #expect(error?.violations.map(\.field) == ["start.name"])
        }
    }

    @Test func requestsOutOfOrderAreRefused() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let file = TestFile(10)
            let error = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Artifacts(wrapping: client).uploadArtifact(
                        request: StreamingClientRequest {
                            try await $0.write(.with { $0.chunk = file.bytes })
                        })
                }
            }
            #expect(error?.violations.map(\.field) == ["start"])
            let large = try await refusal {
                try await cloud.upload(admin, TestFile(300_000), chunks: [TestFile(262_145).bytes])
            }
            #expect(large?.violations.map(\.field) == ["chunk"])
        }
    }
}
