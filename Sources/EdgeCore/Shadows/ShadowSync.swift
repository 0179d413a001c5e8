import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import ServiceLifecycle
import ShadowStore
import StreamStore

/// Keeps the shadows of this core and of the cloud the same, over one stream, for as long as it takes.
///
/// The core decides and the cloud compares: what the cloud has is merged with what is here in one transaction, and what
/// comes of it goes to the cloud on condition that the cloud still has what was merged (`sync.proto`). Nothing of it is
/// kept in memory that the database could not say again, so that it may end at any instant.
struct ShadowSync: Service {
    /// Who changes a document here that comes from the cloud, as the history says.
    static let author = "cloud"

    let parts: TelemetryParts
    let dialer: CloudDialer

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var backoff = parts.backoff
            while !Task.isCancelled {
                try await waitUntilWanted()
                let progress = ProgressFlag()
                do {
                    try await dialer.withClient { client in
                        try await untilAnotherRevision { table in
                            let session = ShadowSyncSession(parts: parts, table: table, progress: progress)
                            try await session.run(client)
                        }
                    }
                    if progress.isSet {
                        backoff.reset()
                        continue
                    }
                } catch {
                    if Task.isCancelled { return }
                    if progress.isSet { backoff.reset() }
                    report(error)
                }
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    /// Returns when the revision says that shadows are synced, and on this core.
    private func waitUntilWanted() async throws {
        for await _ in parts.revision.changes() where parts.table.shadows.home == parts.core { return }
        try Task.checkCancellation()
    }

    /// Runs a session until the core runs another revision: what is synced may be something else then.
    private func untilAnotherRevision(
        _ session: @escaping @Sendable (RoutingTable) async throws -> Void
    ) async throws {
        let table = parts.table
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await session(table) }
            group.addTask {
                for await _ in parts.revision.changes() where !parts.table.isSame(as: table) { return }
                try Task.checkCancellation()
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func report(_ error: any Error) {
        let cause = dialer.explain(error)
        parts.onceAMinute("shadow sync \(cause.message)") {
            parts.logger.warning(
                "shadows are not synced for now; changes are kept here and exchanged later",
                metadata: ["error.message": "\(cause.message)"])
        }
    }
}
