import GRDB
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import ServiceLifecycle
import StreamStore

/// Brings every stream to the cloud, each over a session of its own, for as long as it takes.
///
/// Old epochs of a stream go first, in their order, then the running process's own, whose session stays open.
struct Uplinks: Service {
    /// Old epochs kept for telling a restored cloud what it lost.
    static let keptEpochs = 8

    let parts: TelemetryParts
    let dialer: CloudDialer

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var running: Set<String> = []
            try await withThrowingDiscardingTaskGroup { group in
                let stored = try await parts.pool.read { db in try DurableStreams(db).names() }
                func start(_ names: some Sequence<String>) {
                    for name in names where running.insert(name).inserted {
                        group.addTask { await run(stream: name) }
                    }
                }
                start(stored + [CoreIngestTransaction.accountStream])
                for await _ in parts.revision.changes() { start(parts.table.streamNames) }
            }
        }
    }

    /// Keeps one stream's session going until the task is cancelled.
    private func run(stream: String) async {
        var backoff = parts.backoff
        while !Task.isCancelled {
            let progress = ProgressFlag()
            do {
                try await dialer.withClient { client in
                    try await drain(stream, client, progress)
                }
            } catch {
                if Task.isCancelled { return }
                if progress.isSet { backoff.reset() }
                report(error, stream: stream)
            }
            do { try await Task.sleep(for: backoff.next()) } catch { return }
        }
    }

    private func drain(
        _ stream: String, _ client: GRPCClient<HTTP2ClientTransport.Posix>, _ progress: ProgressFlag
    ) async throws {
        let current = parts.epoch
        let epochs = try await parts.committer.commit { db in
            let streams = DurableStreams(db)
            try streams.pruneEpochs(of: stream, keeping: Self.keptEpochs, current: current)
            return try streams.epochs(of: stream, current: current)
        }
        // The running epoch is the last one even where an older row stands behind it after a restore.
        let ordered = epochs.filter { $0.epoch != current } + epochs.filter { $0.epoch == current }
        for epoch in ordered {
            let session = UplinkSession(
                parts: parts, epoch: epoch, isCurrent: epoch.epoch == current, onProgress: { progress.set() })
            try await session.run(client)
        }
    }

    private func report(_ error: any Error, stream: String) {
        let cause = dialer.explain(error)
        parts.onceAMinute("uplink \(stream) \(cause.message)") {
            parts.logger.warning(
                "the cloud cannot be reached; messages are kept here and sent later",
                metadata: ["stream": "\(stream)", "error.message": "\(cause.message)"])
        }
    }
}
