import Components
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
/// Old epochs of a stream go first, in their order, then the running one, whose session stays open. A stream with a
/// `liveShare` has two lanes instead, side by side: the backlog, which is all that lay there when the line came back,
/// and the live lane. Between the streams ``UplinkShare`` divides the line.
struct Uplinks: Service {
    /// Old epochs kept for telling a restored cloud what it lost.
    static let keptEpochs = 8
    /// Messages that an outage has to have left for a stream to be split into lanes.
    static let smallestBacklog: UInt64 = 1_000

    let parts: TelemetryParts
    let dialer: CloudDialer

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var running: Set<String> = []
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    while true {
                        try await Task.sleep(for: .seconds(1))
                        parts.share.refresh()
                    }
                }
                let stored = try await parts.streams.names()
                func start(_ names: some Sequence<String>) {
                    for name in names where running.insert(name).inserted {
                        group.addTask { await run(stream: name) }
                    }
                }
                start(stored)
                for await _ in parts.revision.changes() {
                    start(parts.table.streamNames.union([parts.table.accountStream]))
                }
            }
        }
    }

    /// Keeps one stream's session going until the task is cancelled.
    private func run(stream: String) async {
        var backoff = parts.backoff
        while !Task.isCancelled {
            let progress = ProgressFlag()
            do {
                try await waitUntilWanted(stream)
                try await dialer.withClient { client in
                    try await drainUntilPaused(stream, client, progress)
                }
                // It moved between disk and memory: on to where it is now.
                if progress.isSet { continue }
            } catch {
                if Task.isCancelled { return }
                if progress.isSet { backoff.reset() }
                report(error, stream: stream)
            }
            do { try await Task.sleep(for: backoff.next()) } catch { return }
        }
    }

    /// Returns when a stream's export to the cloud is not paused, and there is or may be something for it.
    private func waitUntilWanted(_ stream: String) async throws {
        let signal = parts.exports.cloudSignal(of: stream)
        while true {
            if !parts.exports.isCloudPaused(stream) {
                if parts.table.settings(of: stream).reachesCloud { return }
                // What it held when the cloud was taken out of its exports still goes there.
                if try await parts.streams.depth(of: stream) > 0 { return }
            }
            await signal.wait()
            try Task.checkCancellation()
        }
    }

    private func drainUntilPaused(
        _ stream: String, _ client: GRPCClient<HTTP2ClientTransport.Posix>, _ progress: ProgressFlag
    ) async throws {
        let signal = parts.exports.cloudSignal(of: stream)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await drain(stream, client, progress) }
            group.addTask {
                while !parts.exports.isCloudPaused(stream) {
                    await signal.wait()
                    try Task.checkCancellation()
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func drain(
        _ stream: String, _ client: GRPCClient<HTTP2ClientTransport.Posix>, _ progress: ProgressFlag
    ) async throws {
        let settings = parts.table.settings(of: stream)
        let isInMemory = settings.persistence == .memory
        var current = parts.lanes.current(of: stream, isInMemory: isInMemory)
        var epochs = try await parts.streams.epochs(
            of: stream, current: current, isInMemory: isInMemory, keeping: Self.keptEpochs)
        func isCurrent(_ epoch: StreamEpoch) -> Bool {
            epoch.epoch == current && epoch.isInMemory == isInMemory
        }
        let hasLanes = settings.liveShare > 0
        if hasLanes, let epoch = epochs.first(where: isCurrent),
            epoch.next - 1 - epoch.acknowledged >= Self.smallestBacklog
        {
            current = try await parts.streams.write(epoch) { [lanes = parts.lanes] _, _ in
                lanes.split(stream, isInMemory: isInMemory)
            }
            epochs = try await parts.streams.epochs(
                of: stream, current: current, isInMemory: isInMemory, keeping: Self.keptEpochs)
            parts.logger.info(
                "an outage split the stream: its backlog drains beside what is new",
                metadata: [
                    "stream": "\(stream)", "messages.count": "\(epoch.next - 1 - epoch.acknowledged)",
                ])
        }
        // The running epoch is the last one even where an older row stands behind it after a restore.
        let old = epochs.filter { !isCurrent($0) }
        let running = epochs.filter(isCurrent)
        let now = current
        @Sendable func send(_ epochs: [StreamEpoch], lane: Lane) async throws {
            for epoch in epochs {
                let session = UplinkSession(
                    parts: parts, epoch: epoch, lane: lane,
                    isCurrent: epoch.epoch == now && epoch.isInMemory == isInMemory,
                    onProgress: { progress.set() })
                try await session.run(client)
            }
        }
        guard hasLanes else { return try await send(old + running, lane: .unspecified) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await send(old, lane: .backlog) }
            group.addTask { try await send(running, lane: .live) }
            for try await _ in group {}
        }
    }

    private func report(_ error: any Error, stream: String) {
        let cause = dialer.explain(error)
        parts.counters.failed(stream, because: cause.message)
        parts.onceAMinute("uplink \(stream) \(cause.message)") {
            parts.logger.warning(
                "the cloud cannot be reached; messages are kept here and sent later",
                metadata: ["stream": "\(stream)", "error.message": "\(cause.message)"])
        }
    }
}
