import Components
import FoundationEssentials
import GRDB
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import ServiceLifecycle
import StreamStore
import SwiftProtobuf
import Synchronization

/// Runs the exports of all streams other than those to the cloud, each beside the others, and keeps on the disk which
/// there are. A stream that a revision removes keeps its exports until they have what it holds.
struct StreamExports: Service {
    /// An export of a stream.
    private struct Key: Hashable {
        let stream: String
        let name: String
    }

    /// Those that run now.
    private final class Running: Sendable {
        private let keys = Mutex<Set<Key>>([])

        func insert(_ key: Key) -> Bool { keys.withLock { $0.insert(key).inserted } }

        func remove(_ key: Key) { keys.withLock { _ = $0.remove(key) } }
    }

    let parts: TelemetryParts

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            let running = Running()
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    for await _ in parts.revision.changes() { parts.exports.changed.signal() }
                }
                var backoff = parts.backoff
                while true {
                    do {
                        for key in try await declare() where running.insert(key) {
                            group.addTask {
                                await ExportRunner(name: key.name, stream: key.stream, parts: parts).run()
                                // In this order: whoever runs it again makes a signal of its own.
                                parts.exports.remove(key.name, stream: key.stream)
                                running.remove(key)
                                // It may have been declared again meanwhile.
                                if !Task.isCancelled { parts.exports.changed.signal() }
                            }
                        }
                        backoff.reset()
                        await parts.exports.changed.wait()
                    } catch {
                        try Task.checkCancellation()
                        parts.logger.error(
                            "the exports of streams cannot be kept; what they are to have is held",
                            metadata: ["error.message": "\(error)"])
                        try await Task.sleep(for: backoff.next())
                    }
                    try Task.checkCancellation()
                }
            }
        }
    }

    /// Brings the disk up to date with the revision that runs.
    ///
    /// - Returns: The exports that are to run.
    private func declare() async throws -> [Key] {
        let table = parts.table
        let now = parts.clock.now
        var declared: [(stream: String, exports: [ExportDeclaration])] = []
        if parts.revision.running != nil {
            for stream in table.streamNames.sorted() {
                let settings = table.settings(of: stream)
                guard settings.persistence == .disk else { continue }
                declared.append((stream, try settings.exports.map { try ExportDeclaration($0) }))
            }
        }
        let lanes = parts.lanes
        let (states, released) = try await parts.committer.commit { [declared] db in
            let streams = DurableStreams(db)
            for (stream, exports) in declared {
                // The uplink does the same for those that go to the cloud.
                try streams.pruneEpochs(
                    of: stream, keeping: Uplinks.keptEpochs,
                    current: lanes.current(of: stream, isInMemory: false))
                try streams.setExports(
                    exports, of: stream, gap: LossReason.notRoutedToCloud.rawValue, now: now)
            }
            return (try streams.allExports(), try streams.withRemovedExports())
        }
        for stream in released {
            while try await parts.committer.commit({ try DurableStreams($0).releaseRemoved(from: stream) }) {}
        }
        parts.exports.setPausedClouds(
            Set(states.filter { $0.isPaused && $0.name == DurableStreams.cloudExport }.map(\.stream)))
        parts.exports.wake(Set(states.map(\.stream)))
        return states.filter { $0.name != DurableStreams.cloudExport }.map {
            Key(stream: $0.stream, name: $0.name)
        }
    }
}

extension ExportDeclaration {
    /// An export as the group says it.
    init(_ export: StreamExport) throws {
        guard export.target != .cloud else {
            self = .cloud
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        self.init(name: export.name, target: [UInt8](try encoder.encode(export)))
    }
}
