import Components
import Foundation
import Messaging
import RPCSupport
import TestSupport
import Testing

@testable import EdgeCore

/// Quota and disk.
@Suite struct ArtifactRoomTests {
    typealias Fixture = ArtifactFixture

    /// Three files of 100,000 bytes, used in this order.
    private func filled(_ fixture: ArtifactFixture, _ store: ArtifactStore) async throws
        -> [ArtifactReference]
    {
        var files: [ArtifactReference] = []
        for seed in 1...3 as ClosedRange<UInt64> {
            let file = fixture.source.add(Fixture.bytes(100_000, seed: seed), name: "f\(seed)")
            try await store.ensure([file], until: Fixture.later)
            // Times of files are in seconds.
            let time = Date(timeIntervalSinceNow: Double(seed) * 10 - 1_000)
            try FileManager.default.setAttributes(
                [.modificationDate: time], ofItemAtPath: store.filePath(file.digest))
            files.append(file)
        }
        return files
    }

    private func names(_ fixture: ArtifactFixture, of files: [ArtifactReference]) -> Set<String> {
        Set(files.filter { fixture.files.contains(ArtifactDigest.text($0.digest)) }.map(\.name))
    }

    @Test func theLeastRecentlyUsedGoesFirstAndWhatIsNamedNever() async throws {
        try await Fixture.with { fixture in
            let store = fixture.store(maximum: 350_000)
            let files = try await filled(fixture, store)
            await store.retain([files[0].digest])
            let new = fixture.source.add(Fixture.bytes(100_000, seed: 4), name: "f4")
            try await store.ensure([new], until: Fixture.later)
            #expect(names(fixture, of: files + [new]) == ["f1", "f3", "f4"])
            // Used again, f3 stays, and what is asked for now is not in its own way.
            try await store.ensure([files[2]], until: Fixture.later)
            let more = fixture.source.add(Fixture.bytes(100_000, seed: 5), name: "f5")
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -500)],
                ofItemAtPath: store.filePath(new.digest))
            try await store.ensure([more], until: Fixture.later)
            #expect(names(fixture, of: files + [new, more]) == ["f1", "f3", "f5"])
        }
    }

    @Test func whatCannotFitIsRefusedBeforeAnythingIsRemoved() async throws {
        try await Fixture.with { fixture in
            let store = fixture.store(maximum: 350_000)
            let files = try await filled(fixture, store)
            let large = fixture.source.add(Fixture.bytes(300_000, seed: 9), name: "large")
            // Nobody has said yet what must stay: so all of it.
            #expect(await store.problem([large])?.kind == .quota)
            await store.retain([files[0].digest])
            let problem = await store.problem([large])
            #expect(problem?.kind == .quota)
            #expect(problem?.description.contains("artifacts.maximum") == true)
            #expect(names(fixture, of: files) == ["f1", "f2", "f3"])
            await store.retain([])
            #expect(await store.problem([large]) == nil)
            // The least recently used went, and no more than had to.
            #expect(names(fixture, of: files) == [])
            let tooLarge = ArtifactReference(name: "x", digest: Array(repeating: 1, count: 32), size: 350_001)
            #expect(await store.problem([tooLarge])?.kind == .quota)
        }
    }

    @Test func unfinishedFilesOfOthersGoBeforeWhole() async throws {
        try await Fixture.with { fixture in
            let store = fixture.store(maximum: 450_000)
            let files = try await filled(fixture, store)
            await store.retain([])
            let cut = fixture.source.add(Fixture.bytes(100_000, seed: 7), name: "cut")
            _ = try await fixture.giveUp(on: cut, after: 90_000)
            #expect(fixture.files.contains { $0.hasSuffix(".partial") })
            let new = fixture.source.add(Fixture.bytes(100_000, seed: 8), name: "new")
            try await store.ensure([new], until: Fixture.later)
            #expect(names(fixture, of: files + [new]) == ["f1", "f2", "f3", "new"])
            #expect(!fixture.files.contains { $0.contains(".partial") })
        }
    }

    @Test func whatNothingNamesGoesWhenItIsOld() async throws {
        try await Fixture.with { fixture in
            let store = fixture.store()
            let files = try await filled(fixture, store)
            for file in files.prefix(2) {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -8 * 86_400)],
                    ofItemAtPath: store.filePath(file.digest))
            }
            await store.retain([files[0].digest])
            #expect(names(fixture, of: files) == ["f1", "f3"])
            // Where others need the room, at once.
            await store.retain([files[0].digest], keepsRest: false)
            #expect(names(fixture, of: files) == ["f1"])
        }
    }

    @Test(.enabled(if: SmallDisk.isAllowed)) func aFullDiskIsAProblemThatLeavesNothingBehind() async throws {
        try await withTemporaryDirectory { path in
            let disk = try await SmallDisk(at: path + "/disk", mebibytes: 24)
            do {
                let fixture = ArtifactFixture(directory: disk.path + "/artifacts")
                let store = fixture.store()
                let small = fixture.source.add(Fixture.bytes(1 << 20))
                #expect(await store.problem([small]) == nil)
                await store.retain([small.digest])
                // It is known beforehand.
                let large = fixture.source.add(Fixture.bytes(10 << 20, seed: 2), name: "large")
                let known = await store.problem([large])
                #expect(known?.kind == .diskFull)
                #expect(fixture.source.offsets.count == 1)
                // It is found out meanwhile.
                let file = fixture.source.add(Fixture.bytes(3 << 20, seed: 3), name: "file")
                let filling = FillingSource(source: fixture.source, disk: disk)
                let other = ArtifactStore(
                    directory: fixture.directory, source: filling,
                    backoff: Backoff(initial: .milliseconds(1), maximum: .milliseconds(5)),
                    logger: CoreHarnessLogger.silent)
                let found = await other.problem([file])
                #expect(found?.kind == .diskFull && found?.description.contains("\"file\"") == true)
                #expect(fixture.files == [ArtifactDigest.text(small.digest)])
                disk.free()
                #expect(await other.problem([file]) == nil)
                try await SmallDisk.unmount(disk.path)
            } catch {
                try await SmallDisk.unmount(disk.path)
                throw error
            }
        }
    }
}

/// Fills the disk in the middle of the first stream.
private struct FillingSource: ArtifactSource {
    let source: ScriptedSource
    let disk: SmallDisk

    func stream(
        _ digest: [UInt8], from offset: UInt64, take: @escaping @Sendable (Data) async throws -> Void
    ) async throws {
        let isFirst = source.offsets.count == 1
        try await source.stream(digest, from: offset) { chunk in
            try await take(chunk)
            if isFirst { try disk.fill() }
        }
    }
}
