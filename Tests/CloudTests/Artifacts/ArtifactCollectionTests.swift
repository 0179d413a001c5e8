import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import TestSupport
import Testing

@testable import Cloud

/// What is removed when, and what never is.
@Suite struct ArtifactCollectionTests {
    @Test func whatNoComponentNamesGoesAfterTheGracePeriod() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let (named, unnamed, asked) = (
                TestFile(100, seed: 1), TestFile(100, seed: 2), TestFile(100, seed: 3)
            )
            for file in [named, unnamed, asked] { try await cloud.upload(admin, file) }
            try await cloud.uploadPart(admin, TestFile(300_000, seed: 4), bytes: 1_000)
            try await cloud.push(admin, recipe("smooth", "1.0.0", artifacts: [("model.onnx", named)]))
            let vault = cloud.server.context.artifacts
            try await vault.collect(at: Date().addingTimeInterval(86_000))
            #expect(try await cloud.artifacts(admin).count == 3)
            #expect(try await vault.held([UInt8](TestFile(300_000, seed: 4).digest)) == 1_000)

            // Asking for it is using it.
            cloud.time.advance(by: .hours(20))
            #expect(try await cloud.heldOf(admin, asked).hasArtifact)
            cloud.time.advance(by: .hours(5))
            try await vault.collect(at: cloud.time.now)
            #expect(try await Set(cloud.artifacts(admin).map(\.digest)) == [named.digest, asked.digest])
            #expect(!FileManager.default.fileExists(atPath: vault.path(of: [UInt8](unnamed.digest))))
            #expect(try await vault.held([UInt8](TestFile(300_000, seed: 4).digest)) == 0)
        }
    }

    @Test func whatALockNamesStaysForEver() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let file = TestFile(100)
            try await cloud.upload(admin, file)
            try await cloud.push(admin, recipe("smooth", "1.0.0", artifacts: [("model.onnx", file)]))
            _ = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.apply(admin, group())
            try await cloud.deploy(admin, "g")
            try await cloud.push(admin, recipe("smooth", "1.1.0"))
            try await cloud.deploy(admin, "g")
            try await cloud.server.context.artifacts.collect(at: Date().addingTimeInterval(400 * 86_400))
            #expect(try await cloud.artifacts(admin).map(\.digest) == [file.digest])
        }
    }

    @Test func registeringAndCollectingAtOnceLeavesNoRecipeWithoutItsFile() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let vault = cloud.server.context.artifacts
            let later = Date().addingTimeInterval(10 * 86_400)
            for round in 1...20 {
                let file = TestFile(100, seed: UInt64(round))
                try await cloud.upload(admin, file)
                async let collected: Void = vault.collect(at: later)
                let refused = try await refusal {
                    try await cloud.push(
                        admin, recipe("smooth", "1.0.\(round)", artifacts: [("model.onnx", file)]))
                }
                try await collected
                let isThere = FileManager.default.fileExists(atPath: vault.path(of: [UInt8](file.digest)))
                #expect(refused == nil ? isThere : refused?.reason == .missingArtifact, "round \(round)")
            }
        }
    }

    @Test func uploadingAndCollectingAtOnceLeavesNoArtifactWithoutItsFile() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let vault = cloud.server.context.artifacts
            let later = Date().addingTimeInterval(10 * 86_400)
            let file = TestFile(100)
            for round in 1...20 {
                async let collected: Void = vault.collect(at: later)
                try await cloud.upload(admin, file)
                try await collected
                let isListed = try await !cloud.artifacts(admin).isEmpty
                let isThere = FileManager.default.fileExists(atPath: vault.path(of: [UInt8](file.digest)))
                #expect(!isListed || isThere, "round \(round)")
            }
        }
    }

    @Test func aFileWithoutAnArtifactGoes() async throws {
        try await withCloud { cloud in
            let vault = cloud.server.context.artifacts
            let stray = vault.path(of: [UInt8](TestFile(100).digest))
            let folder = String(stray.dropLast(65))
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try TestFile(100).bytes.write(to: URL(fileURLWithPath: stray))
            try await vault.collect(at: Date())
            #expect(!FileManager.default.fileExists(atPath: stray))
        }
    }

    @Test func aRecipeWhoseFilesAreNotThereIsRefusedWithEachOfThem() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let (here, away, other) = (TestFile(100, seed: 1), TestFile(100, seed: 2), TestFile(100, seed: 3))
            try await cloud.upload(admin, here)
            let text = recipe(
                "smooth", "1.0.0", artifacts: [("a.bin", here), ("b.bin", away), ("c.bin", other)])
            let dry = try await cloud.push(admin, text, dryRun: true)
            #expect(dry.warnings.count == 2 && dry.warnings.first?.contains(away.hex) == true)
            let refused = try await refusal { try await cloud.push(admin, text) }
            #expect(refused?.code == .failedPrecondition && refused?.reason == .missingArtifact)
            #expect(refused?.violations.map(\.field) == ["artifacts[\"b.bin\"]", "artifacts[\"c.bin\"]"])
            #expect(refused?.message.contains("hedgerow artifacts push b.bin") == true)
            #expect(try await cloud.components(admin).isEmpty)
            // A size that is not the stored file's is another file.
            let size = text.replacing("size: 100", with: "size: 101")
            #expect(try await refusal { try await cloud.push(admin, size) }?.violations.count == 3)
            try await cloud.upload(admin, away)
            try await cloud.upload(admin, other)
            #expect(try await cloud.push(admin, text).created)
        }
    }
}
