import Dispatch
import Foundation
import PKI
import Synchronization
import TestSupport
import Testing

@testable import RPCSupport

/// Files on their way to be artifacts.
@Suite struct PartialArtifactTests {
    private static let content = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })

    private func with(_ body: (_ path: String, _ digest: [UInt8]) throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let source = directory + "/source"
            try Self.content.write(to: URL(fileURLWithPath: source))
            let found = try #require(try ArtifactDigest.of(file: source))
            #expect(found.size == 100_000)
            try body(directory + "/partial", found.digest)
        }
    }

    private func open(_ path: String, _ digest: [UInt8], keeping: UInt64 = .max) throws -> PartialArtifact {
        try PartialArtifact(path: path, digest: digest, size: 100_000, keeping: keeping)
    }

    @Test func whatWasClosedIsThereAndTheRestMakesItWhole() async throws {
        try await with { path, digest in
            let first = try open(path, digest)
            try first.append(Self.content.prefix(40_000))
            #expect(PartialArtifact.held(at: path) == 0)
            first.close()
            #expect(PartialArtifact.held(at: path) == 40_000)
            let second = try open(path, digest)
            #expect(second.length == 40_000)
            try second.append(Self.content.dropFirst(40_000))
            try second.verify()
            try second.publish(to: path + ".whole")
            #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".whole")) == Self.content)
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(!FileManager.default.fileExists(atPath: path + ".synced"))
        }
    }

    @Test func whatWasNotSyncedIsNotTrusted() async throws {
        try await with { path, digest in
            let first = try open(path, digest)
            try first.append(Self.content.prefix(40_000))
            first.close()
            // As after a loss of power: the file is longer, and nobody knows with what.
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(repeating: 0, count: 30_000))
            try handle.close()
            #expect(try open(path, digest).length == 40_000)
        }
    }

    @Test func aMarkerThatSaysMoreThanIsKeptIsLoweredBeforeAnythingIsWritten() async throws {
        try await with { path, digest in
            let first = try open(path, digest)
            try first.append(Self.content.prefix(90_000))
            first.close()
            let second = try open(path, digest, keeping: 10_000)
            try second.append(Self.content[10_000..<50_000])
            // The process ends here, and the disk has what it has: only 10,000 bytes are known to be on it.
            #expect(PartialArtifact.held(at: path) == 10_000)
            second.discard()
            // A marker that a crash left behind says nothing about a new file.
            try DurableFile.write(Array("90000".utf8), to: path + ".synced")
            let third = try open(path, digest)
            try third.append(Self.content.prefix(50_000))
            #expect(PartialArtifact.held(at: path) == 0)
        }
    }

    @Test func aSyncBesideWritingSaysWhatIsCertainAndNoMore() async throws {
        try await with { path, digest in
            let file = try open(path, digest)
            let isWhole = Atomic(false)
            DispatchQueue.concurrentPerform(iterations: 2) { part in
                if part == 0 {
                    for start in stride(from: 0, to: 100_000, by: 1_000) {
                        #expect(throws: Never.self) {
                            try file.write(Self.content[start..<start + 1_000])
                        }
                    }
                    isWhole.store(true, ordering: .releasing)
                    return
                }
                var isLast = false
                while !isLast {
                    isLast = isWhole.load(ordering: .acquiring)
                    let before = file.length
                    #expect(throws: Never.self) { try file.sync() }
                    let held = PartialArtifact.held(at: path)
                    #expect(before <= held && held <= file.length)
                }
            }
            #expect(PartialArtifact.held(at: path) == 100_000 && file.unsynced == 0)
            try file.verify()
            try file.publish(to: path + ".whole")
            #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".whole")) == Self.content)
            // Too late: nothing is left that a marker could be about.
            #expect(throws: Never.self) { try file.sync() }
            #expect(throws: ArtifactFileError.self) { try file.write(Data([1])) }
            #expect(!FileManager.default.fileExists(atPath: path + ".synced"))
        }
    }

    @Test func aSyncWaitsUntilSoMuchIsAhead() async throws {
        try await with { path, digest in
            let file = try open(path, digest)
            try file.write(Self.content.prefix(40_000))
            try file.sync(ifAhead: 40_001)
            #expect(PartialArtifact.held(at: path) == 0 && file.unsynced == 40_000)
            try file.sync(ifAhead: 40_000)
            #expect(PartialArtifact.held(at: path) == 40_000 && file.unsynced == 0)
            file.discard()
        }
    }

    @Test func otherBytesAndOtherLengthsAreNoArtifact() async throws {
        try await with { path, digest in
            let short = try open(path, digest)
            try short.append(Self.content.prefix(99_999))
            #expect(throws: ArtifactFileError.incomplete(held: 99_999, size: 100_000)) { try short.verify() }
            #expect(throws: ArtifactFileError.tooLong(size: 100_000)) { try short.append(Data([1, 2])) }
            #expect(short.length == 99_999)
            try short.append(Data([Self.content[99_999] ^ 1]))
            #expect {
                try short.verify()
            } throws: { error in
                guard case .otherDigest(let expected, _) = error as? ArtifactFileError else { return false }
                return expected == digest
            }
            short.discard()
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(throws: ArtifactFileError.self) { try short.append(Data([1])) }
        }
    }

    @Test(arguments: ["", "00", String(repeating: "g", count: 64), String(repeating: "0", count: 63)])
    func textsThatAreNoDigest(_ text: String) { #expect(ArtifactDigest.parse(text) == nil) }

    @Test func digestsAsTexts() {
        let digest = (0..<32).map { UInt8($0 * 8) }
        let text = ArtifactDigest.text(digest)
        #expect(text.hasPrefix("0008101820") && text.count == 64)
        #expect(ArtifactDigest.parse(text) == digest && ArtifactDigest.parse(text.uppercased()) == digest)
    }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1_000, "1.0 KiB"), (600_000, "585.9 KiB"), (50 << 20, "50.0 MiB"),
    ])
    func bytesAsTexts(_ bytes: Int, _ text: String) { #expect(ByteText.text(UInt64(bytes)) == text) }
}
