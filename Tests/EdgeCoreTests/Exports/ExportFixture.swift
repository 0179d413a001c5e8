import Components
import Foundation
import GRDB
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

/// A core's database in a directory, and the parts of its telemetry as one process has them; another process on the same
/// directory is another value.
struct ExportFixture: Sendable {
    let directory: String
    let parts: TelemetryParts
    /// Microseconds since 1970, for tests to set.
    let time: TestTime

    /// Runs a body as one process of a core does, whose services are the committer and, where asked for, the exports.
    static func process(
        in directory: String, revision: Hedgerow_Type_V1_GroupRevision? = nil, exporting: Bool = false,
        time: TestTime = TestTime(1_700_000_000_000_000),
        _ body: @escaping @Sendable (ExportFixture) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let pool = try CoreDatabase.open(path: directory + "/core.sqlite", logger: logger)
        defer { try? pool.close() }
        let active = try await ActiveRevision(database: pool)
        if let revision { try await active.apply(revision, deploymentID: "d") }
        let committer = GroupCommitter(pool: pool, logger: logger)
        let parts = TelemetryParts(
            core: "pi-1", pool: pool, committer: committer, revision: active, host: FixedHost(),
            activity: ComponentActivity(logger: logger), clock: WallClock { time.now },
            isClockDoubtful: { time.isDoubtful },
            backoff: Backoff(initial: .milliseconds(5), maximum: .milliseconds(20)), tracer: nil,
            logger: logger)
        let fixture = ExportFixture(directory: directory, parts: parts, time: time)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await committer.run() }
            if exporting { group.addTask { try? await StreamExports(parts: parts).run() } }
            do {
                try await body(fixture)
            } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
        }
    }

    /// A thing publishes messages at its sequences, as one batch.
    func publish(_ first: UInt64, _ last: UInt64, topic: String = "t/a", bytes: Int = 4) async throws {
        let parts = parts
        let session = IngestSession(
            publisher: try .init(role: .thing, name: "a"), stream: "default", epoch: epoch(1),
            oldestSequence: 1,
            generation: 1)
        let result = try await parts.committer.commit { db in
            let transaction = parts.transaction(db, session)
            _ = try transaction.open()
            return try transaction.ingest([messages(first, last, topic: topic, bytes: bytes)])
        }
        parts.exports.wake(result.wokenStreams)
    }

    /// Waits until the service has taken over the exports of a stream from the revision.
    func waitForExports(_ names: [String], of stream: String = "s") async throws {
        try await eventually(
            "the exports are declared",
            holds: {
                try await describe(stream).exports.map(\.state.name) == names
            })
    }

    func describe(_ stream: String) async throws -> StreamDescription {
        try await parts.pool.read { try DurableStreams($0).describe(stream) }
    }

    func export(_ name: String, of stream: String) async throws -> StreamDescription.Export {
        try #require(try await describe(stream).exports.first { $0.state.name == name })
    }

    /// The cloud takes everything up to a sequence.
    func acknowledgeForCloud(_ stream: String, through sequence: UInt64) async throws {
        let current = parts.epoch
        try await parts.committer.commit { db in
            let streams = DurableStreams(db)
            for epoch in try streams.epochs(of: stream, current: current) where epoch.epoch == current {
                try streams.acknowledge(epoch, through: sequence)
            }
        }
    }

    /// Brings the disk up to date with the revision, as the service does.
    func declare(_ stream: String) async throws {
        let settings = parts.table.settings(of: stream)
        let now = parts.clock.now
        try await parts.committer.commit { db in
            try DurableStreams(db).setExports(
                try settings.exports.map { try ExportDeclaration($0) }, of: stream,
                gap: LossReason.notRoutedToCloud.rawValue, now: now)
        }
    }

    /// What an export is to take next.
    func section(_ name: String, of stream: String, limit: Int = 100) async throws -> ExportSection {
        let section = try await parts.pool.read { db in
            try DurableStreams(db).next(for: name, of: stream, limit: limit, maximumBytes: .max)
        }
        return try #require(section)
    }

    func directoryExport(_ stream: String) -> DirectoryExport? {
        for export in parts.table.settings(of: stream).exports {
            if case .directory(let target) = export.target {
                return DirectoryExport(name: export.name, stream: stream, target: target, parts: parts)
            }
        }
        return nil
    }

    // MARK: Files

    /// Names of the files in a directory of this core, in order.
    func files(_ path: String = "out") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(path)")) ?? []).sorted()
    }

    /// Sequences of the messages in all files, in the order of the files; every line has to be whole.
    func sequences(_ path: String = "out") throws -> [UInt64] {
        try files(path).flatMap { name in
            let content = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(path)/\(name)"))
            guard !content.isEmpty else { return [UInt64]() }
            #expect(content.last == UInt8(ascii: "\n"), "\(name) ends within a line")
            return try content.dropLast().split(separator: UInt8(ascii: "\n")).map { line in
                let object = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
                return try #require(object["sequence"] as? NSNumber).uint64Value
            }
        }
    }
}

/// A wall clock that tests set.
final class TestTime: Sendable {
    private let state: Mutex<(now: Int64, isDoubtful: Bool)>

    init(_ now: Int64) { state = Mutex((now, false)) }

    var now: Int64 {
        get { state.withLock { $0.now } }
        set { state.withLock { $0.now = newValue } }
    }

    var isDoubtful: Bool {
        get { state.withLock { $0.isDoubtful } }
        set { state.withLock { $0.isDoubtful = newValue } }
    }
}

extension Hedgerow_Type_V1_GroupRevision {
    /// A stream with exports: `cloud`, `topic:T`, `directory:PATH` (files of 64 KiB, at most so many).
    static func exporting(
        _ exports: [String], stream: String = "s", number: UInt64 = 1, files: UInt32 = 100,
        timeToLive: Int64? = nil, maxSize: UInt64 = 64 << 20,
        subscriptions: [(String, String, String, String)] = [("thing:*", "#", "stream:s", "")]
    ) -> Self {
        var revision = EdgeCoreTests.revision(subscriptions, number: number)
        revision.streams = [
            .with {
                $0.name = stream
                $0.maxSizeBytes = maxSize
                $0.priority = 5
                if let timeToLive { $0.timeToLive.seconds = timeToLive }
                $0.exports = exports.map { text in
                    .with {
                        if text.hasPrefix("topic:") {
                            $0.topic.topic = String(text.dropFirst(6))
                        } else if text.hasPrefix("directory:") {
                            $0.directory.path = String(text.dropFirst(10))
                            $0.directory.maxFileSizeBytes = 64 << 10
                            $0.directory.maxFiles = files
                        } else {
                            $0.cloud = .init()
                        }
                    }
                }
            }
        ]
        return revision
    }
}
