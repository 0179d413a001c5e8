import Components
import Foundation
import GRPCCore
import RPCSupport
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

/// What a core keeps of artifacts, and how it comes by them.
@Suite struct ArtifactStoreTests {
    typealias Fixture = ArtifactFixture

    @Test func filesAreFetchedOnceAndSharedByDigest() async throws {
        try await Fixture.with { fixture in
            let store = fixture.store()
            let (first, second) = (
                fixture.source.add(Fixture.bytes(700_000)), fixture.source.add(Data(), name: "empty")
            )
            let same = ArtifactReference(name: "other name", digest: first.digest, size: first.size)
            let told = Mutex<[ArtifactProgress]>([])
            try await store.ensure([first, second, same], until: Fixture.later) { progress in
                told.withLock { $0.append(progress) }
            }
            #expect(store.content(first) == Fixture.bytes(700_000) && store.content(second) == Data())
            #expect(told.withLock { $0.map(\.held) } == [262_144, 524_288, 700_000])
            #expect(told.withLock { $0.last?.total } == 700_000)
            #expect(await store.problem([first]) == nil)
            #expect(fixture.source.offsets == [0])
            #expect(fixture.files.count == 2)
        }
    }

    @Test func aCutDownloadGoesOnWhereItWas() async throws {
        try await Fixture.with { fixture in
            let file = fixture.source.add(Fixture.bytes(1_000_000))
            fixture.source.script(
                .cut(after: 300_000), .fail(RPCError(code: .unavailable, message: "away")), .cut(after: 0),
                .cut(after: 400_000))
            let store = fixture.store()
            #expect(await store.problem([file]) == nil)
            #expect(fixture.source.offsets == [0, 300_000, 300_000, 300_000, 700_000])
            #expect(store.content(file) == Fixture.bytes(1_000_000))
        }
    }

    @Test func whatCameBeforeARestartIsNotFetchedAgain() async throws {
        try await Fixture.with { fixture in
            let file = fixture.source.add(Fixture.bytes(1_000_000))
            let late = try await fixture.giveUp(on: file, after: 600_000)
            #expect(late?.kind == .timedOut && late?.description.contains("model.onnx") == true)
            // After a loss of power the end of the file may be anything.
            let partial = try #require(fixture.files.first { $0.hasSuffix(".partial") })
            let handle = try #require(FileHandle(forWritingAtPath: fixture.directory + "/" + partial))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(repeating: 0, count: 4_096))
            try handle.close()
            let store = fixture.store()
            #expect(await store.problem([file]) == nil)
            #expect(fixture.source.offsets == [0, 600_000])
            #expect(store.content(file) == Fixture.bytes(1_000_000))
            #expect(fixture.files.count == 1)
        }
    }

    @Test func aDamagedFileIsFoundBeforeItIsUsedAndFetchedAgain() async throws {
        try await Fixture.with { fixture in
            let file = fixture.source.add(Fixture.bytes(100_000))
            #expect(await fixture.store().problem([file]) == nil)
            let path = fixture.store().filePath(file.digest)
            var wrong = Fixture.bytes(100_000)
            wrong[5] ^= 1
            try wrong.write(to: URL(fileURLWithPath: path))
            let store = fixture.store()
            // Not compared since the start: nobody may use it.
            #expect(store.path(of: file.digest) == nil)
            #expect(await store.missing([file]) == [file])
            #expect(await store.problem([file]) == nil)
            #expect(store.content(file) == Fixture.bytes(100_000))
            // Changed while the core runs.
            try Data(wrong.prefix(7)).write(to: URL(fileURLWithPath: path))
            #expect(store.path(of: file.digest) == nil)
            #expect(await store.problem([file]) == nil)
            #expect(await fixture.store().missing([file]).isEmpty)
            #expect(fixture.source.offsets == [0, 0, 0])
        }
    }

    @Test func aCloudThatSendsOtherBytesIsAskedOnceMore() async throws {
        try await Fixture.with { fixture in
            let file = fixture.source.add(Fixture.bytes(50_000))
            fixture.source.script(.corrupt)
            #expect(await fixture.store().problem([file]) == nil)
            let other = fixture.source.add(Fixture.bytes(50_000, seed: 2))
            fixture.source.script(.corrupt, .corrupt)
            let problem = await fixture.store().problem([other])
            #expect(problem?.kind == .mismatch)
            #expect(problem?.description.contains(ArtifactDigest.text(other.digest)) == true)
            #expect(problem?.description.contains("artifacts push FILE --verify") == true)
            // Nothing of it stays.
            #expect(fixture.files == [ArtifactDigest.text(file.digest)])
        }
    }

    @Test(arguments: [RPCError.Code.permissionDenied, .notFound, .dataLoss])
    func whatTheCloudRefusesIsNotAskedForAgain(_ code: RPCError.Code) async throws {
        try await Fixture.with { fixture in
            let file = fixture.source.add(Fixture.bytes(50_000))
            fixture.source.script(.fail(RPCError(code: code, message: "not for you")))
            let problem = await fixture.store().problem([file])
            #expect(problem?.kind == .refused && problem?.description.contains("not for you") == true)
            #expect(fixture.source.offsets.count == 1)
        }
    }

    @Test func aDeadlineEndsAttemptsThatAllFail() async throws {
        try await Fixture.with { fixture in
            let missing = ArtifactReference(name: "a", digest: Array(repeating: 7, count: 32), size: 10)
            let time = StoppedClock()
            let source = AwaySource { attempt in
                if attempt == 3 { time.advance(by: .seconds(1_800)) }
            }
            let store = fixture.store(source: source, clock: time.clock)
            let problem = await store.problem([missing], until: .seconds(1_800))
            #expect(problem?.kind == .timedOut)
            #expect(source.attempts.withLock { $0 } == 3)
        }
    }

    @Test func aCancelledFetchEndsAndKeepsWhatCame() async throws {
        try await Fixture.with { fixture in
            let file = fixture.source.add(Fixture.bytes(500_000))
            fixture.source.script(.stall(after: 300_000))
            let store = fixture.store()
            let problem = await withTaskGroup(of: ArtifactProblem?.self) { group in
                group.addTask { await store.problem([file]) }
                try? await eventually(
                    "a part is there", holds: { fixture.files.contains { $0.hasSuffix(".partial") } })
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(problem?.kind == .cancelled)
            #expect(await store.problem([file]) == nil)
            #expect(store.content(file) == Fixture.bytes(500_000))
        }
    }

    @Test func whatCameIsOnTheDiskWhileTheRestIsOnItsWay() async throws {
        try await Fixture.with { fixture in
            let bytes = Int(ArtifactLimits.earlySyncBytes)
            let file = fixture.source.add(Fixture.bytes(bytes + 500_000))
            fixture.source.script(.stall(after: bytes + 300_000))
            let store = fixture.store()
            let problem = try await withThrowingTaskGroup(of: ArtifactProblem?.self) { group in
                group.addTask { await store.problem([file]) }
                let path = store.partialPath(file.digest)
                try await eventually("the line stalls", holds: { fixture.source.stalls == 1 })
                try await eventually(
                    "a part is on the disk", holds: { PartialArtifact.held(at: path) >= UInt64(bytes) })
                group.cancelAll()
                return try await group.next() ?? nil
            }
            #expect(problem?.kind == .cancelled)
            #expect(await store.problem([file]) == nil)
            #expect(fixture.source.offsets == [0, UInt64(bytes + 300_000)])
            #expect(store.content(file) == Fixture.bytes(bytes + 500_000))
        }
    }

    @Test func twoThatWantTheSameFileFetchItOnce() async throws {
        try await Fixture.with { fixture in
            let file = fixture.source.add(Fixture.bytes(2_000_000))
            let store = fixture.store()
            async let first = store.problem([file])
            async let second = store.problem([file])
            #expect(await (first, second) == (nil, nil))
            #expect(fixture.source.offsets == [0])
        }
    }
}

/// A cloud that is never there.
private final class AwaySource: ArtifactSource {
    let attempts = Mutex(0)
    private let onAttempt: @Sendable (Int) -> Void

    init(onAttempt: @escaping @Sendable (Int) -> Void) { self.onAttempt = onAttempt }

    func stream(
        _ digest: [UInt8], from offset: UInt64, take: @escaping @Sendable (Data) async throws -> Void
    ) async throws {
        onAttempt(
            attempts.withLock { attempts in
                attempts += 1
                return attempts
            })
        throw RPCError(code: .unavailable, message: "away")
    }
}
