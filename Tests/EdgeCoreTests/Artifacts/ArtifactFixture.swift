import Components
import Foundation
import Logging
import Messaging
import RPCSupport
import Supervision
import TestSupport

@testable import EdgeCore

/// A store with a scripted source, in a directory of its own.
struct ArtifactFixture: Sendable {
    let source = ScriptedSource()
    let directory: String

    static func with(_ body: (ArtifactFixture) async throws -> Void) async throws {
        try await withTemporaryDirectory { try await body(ArtifactFixture(directory: $0 + "/artifacts")) }
    }

    /// A store as after a start of the core.
    func store(
        maximum: UInt64 = 100 << 20, source: (any ArtifactSource)? = nil,
        clock: MonotonicClock = .continuous
    ) -> ArtifactStore {
        ArtifactStore(
            directory: directory, maximum: maximum, source: source ?? self.source,
            backoff: Backoff(initial: .milliseconds(1), maximum: .milliseconds(5)), clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Fetches a file until the line stalls, and gives up when the time for it is over.
    ///
    /// - Returns: what that ends with.
    func giveUp(on file: ArtifactReference, after bytes: Int) async throws -> ArtifactProblem? {
        let time = StoppedClock()
        let stalls = source.stalls
        source.script(.stall(after: bytes))
        return try await withThrowingTaskGroup(of: ArtifactProblem?.self) { group in
            group.addTask { await store(clock: time.clock).problem([file], until: .seconds(1_800)) }
            try await eventually("the line stalls", holds: { source.stalls > stalls })
            time.advance(by: .seconds(1_800))
            return try await group.next() ?? nil
        }
    }

    /// Names of the files that are there.
    var files: Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
    }

    /// Bytes that repeat nowhere soon.
    static func bytes(_ count: Int, seed: UInt64 = 1) -> Data {
        var generator = SeededGenerator(seed: seed)
        var bytes = Data(capacity: count + 8)
        while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
        return bytes.prefix(count)
    }

    static func digest(_ bytes: Data) -> [UInt8] {
        withTemporaryFile(bytes) { (try? ArtifactDigest.of(file: $0))?.digest ?? [] }
    }

    private static func withTemporaryFile<Value>(_ bytes: Data, _ body: (String) -> Value) -> Value {
        let path = NSTemporaryDirectory() + "hedgerow-\(UInt64.random(in: .min ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try! bytes.write(to: URL(fileURLWithPath: path))
        return body(path)
    }

    /// When to give up; far away for a test.
    static var later: Duration { MonotonicClock.continuous.now() + .seconds(120) }
}

extension ArtifactStore {
    /// What a file holds that was compared with its digest; nil where there is none.
    func content(_ reference: ArtifactReference) -> Data? {
        path(of: reference.digest).flatMap { try? Data(contentsOf: URL(fileURLWithPath: $0)) }
    }

    /// The problem that fetching ends with; nil where it ends with none.
    func problem(
        _ references: [ArtifactReference], until deadline: Duration = ArtifactFixture.later
    ) async -> ArtifactProblem? {
        do throws(ArtifactProblem) {
            try await ensure(references, until: deadline)
            return nil
        } catch {
            return error
        }
    }
}
