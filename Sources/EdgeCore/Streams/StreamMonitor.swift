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

/// Looks every few seconds at how the streams stand: for the cloud, for metrics, for whoever asks.
struct StreamMonitor: Service {
    /// Most streams that are told; those of the running revision come first.
    static let maximumStreams = 256
    /// Most epochs of a stream that are told, the newest.
    static let maximumEpochs = 32
    /// Most bytes of an error that are told.
    static let maximumErrorBytes = 256

    let parts: TelemetryParts
    /// How often it looks.
    let interval: Duration
    private let latest = Latest()

    init(parts: TelemetryParts, interval: Duration) {
        self.parts = parts
        self.interval = interval
    }

    /// What was seen last, by name; empty before the first look.
    var statuses: [Hedgerow_Stream_V1_StreamStatus] { latest.statuses.withLock { $0 } }

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            let isDue = Signal()
            try await withThrowingDiscardingTaskGroup { group in
                // Another revision may have other streams: these are not waited for.
                group.addTask { for await _ in parts.revision.changes() { isDue.signal() } }
                var rates = StreamRates()
                while !Task.isCancelled {
                    do {
                        try await look(&rates)
                    } catch {
                        try Task.checkCancellation()
                        parts.onceAMinute("stream statuses") {
                            parts.logger.warning(
                                "how the streams stand cannot be read",
                                metadata: ["error.message": "\(error)"])
                        }
                    }
                    await isDue.wait(upTo: interval)
                }
                group.cancelAll()
            }
        }
    }

    private func look(_ rates: inout StreamRates) async throws {
        let totals = parts.counters.snapshot
        rates.add(totals, at: .now)
        let table = parts.table
        let (disk, memory) = try await descriptions(table)
        var statuses: [Hedgerow_Stream_V1_StreamStatus] = []
        let names = table.streamNames
        for name in Set(disk.keys).union(memory.keys).sorted(by: { Self.precedes($0, $1, names) })
            .prefix(Self.maximumStreams)
        {
            var status = Hedgerow_Stream_V1_StreamStatus()
            status.stream = name
            Self.add(table.settings(of: name), to: &status)
            for description in [disk[name], memory[name]].compactMap({ $0 }) {
                Self.add(description, to: &status)
            }
            let totals = totals[name] ?? .init()
            Self.add(
                exports(disk: disk[name], memory: memory[name]), totals, table.settings(of: name), to: &status
            )
            (status.appended, status.forwarded) = rates.rates(of: name)
            statuses.append(status)
        }
        statuses.sort { $0.stream < $1.stream }
        latest.statuses.withLock { $0 = statuses }
    }

    /// What is on the disk and in memory of every stream that there is.
    private func descriptions(
        _ table: RoutingTable
    ) async throws -> (disk: [String: StreamDescription], memory: [String: StreamDescription]) {
        @Sendable func describe(
            _ db: Database, _ names: Set<String>
        ) throws -> [String: StreamDescription] {
            let streams = DurableStreams(db)
            return try names.reduce(into: [:]) { $0[$1] = try streams.describe($1) }
        }
        let wanted = table.revision == 0 ? [] : table.streamNames
        let disk = try await parts.read { db in
            try describe(db, wanted.union(DurableStreams(db).names()))
        }
        let memory = try await parts.streams.memory?.read { db in
            try describe(db, Set(DurableStreams(db).names()))
        }
        return (disk, memory ?? [:])
    }

    /// How the exports stand: a stream in memory has only the one to the cloud, which is paused where its name is on the
    /// disk.
    private func exports(disk: StreamDescription?, memory: StreamDescription?) -> [StreamDescription.Export] {
        guard let memory, memory.messages > 0 else { return disk?.exports ?? memory?.exports ?? [] }
        guard let disk, disk.messages == 0 else { return disk?.exports ?? memory.exports }
        return memory.exports.map { export in
            let known = disk.exports.first { $0.state.name == export.state.name }
            return .init(
                state: known?.state ?? export.state, acknowledged: export.acknowledged, behind: export.behind)
        }
    }

    private static func precedes(_ first: String, _ second: String, _ names: Set<String>) -> Bool {
        let (isFirst, isSecond) = (names.contains(first), names.contains(second))
        return isFirst == isSecond ? first < second : isFirst
    }

    // MARK: Parts of a status

    private static func add(_ settings: StreamSettings, to status: inout Hedgerow_Stream_V1_StreamStatus) {
        status.persistence = settings.persistence == .memory ? .memory : .disk
        status.priority = UInt32(clamping: settings.priority)
        status.onFull = settings.onFull == .rejectNew ? .rejectNew : .overwriteOldest
        status.maxBytes = settings.maxSize.bytes
    }

    private static func add(
        _ description: StreamDescription, to status: inout Hedgerow_Stream_V1_StreamStatus
    ) {
        status.messages += description.messages
        status.bytes += UInt64(clamping: description.bytes)
        if let time = description.oldestReceiveTime {
            let timestamp = Microseconds.timestamp(time)
            if !status.hasOldestReceiveTime || timestamp.seconds < status.oldestReceiveTime.seconds {
                status.oldestReceiveTime = timestamp
            }
        }
        let current = description.epochs.last?.id
        let epochs = description.epochs.filter { $0.messages > 0 || $0.id == current }
        status.epochs += epochs.suffix(maximumEpochs / 2).map { part in
            .with {
                $0.epoch = Data(part.epoch.bytes)
                $0.oldestSequence = part.oldest ?? part.newest + 1
                $0.newestSequence = part.newest
                $0.current = part.id == current
            }
        }
    }

    private static func add(
        _ exports: [StreamDescription.Export], _ totals: StreamCounters.Totals, _ settings: StreamSettings,
        to status: inout Hedgerow_Stream_V1_StreamStatus
    ) {
        status.appendedMessages = totals.appendedMessages
        status.forwardedMessages = totals.forwardedMessages
        status.lost = totals.lost.sorted { $0.key.rawValue < $1.key.rawValue }.map { reason, count in
            .with {
                $0.reason = reason
                $0.count = count
            }
        }
        let kinds = Dictionary(settings.exports.map { ($0.name, $0.kind) }) { first, _ in first }
        status.exports = exports.map { export in
            var wire = Self.wire(export)
            wire.kind = kinds[export.state.name] ?? ""
            if export.state.name == DurableStreams.cloudExport {
                wire.kind = StreamExport.cloud.kind
                if let time = totals.lastForwardTime { wire.lastTime = Microseconds.timestamp(time) }
                wire.lastError = (totals.cloudError ?? "").prefix(utf8: maximumErrorBytes)
            }
            return wire
        }
    }

    /// How an export stands, as it goes over the wire; what kind it is stays open.
    static func wire(_ export: StreamDescription.Export) -> Hedgerow_Stream_V1_StreamExportStatus {
        .with {
            $0.name = export.state.name
            $0.paused = export.state.isPaused
            $0.messages = export.behind
            $0.lastError = (export.state.lastError ?? "").prefix(utf8: maximumErrorBytes)
            if let time = export.state.lastTime { $0.lastTime = Microseconds.timestamp(time) }
            if let last = export.acknowledged.last(where: { $0.sequence > 0 }) {
                $0.acknowledged = .with {
                    $0.epoch = Data(last.epoch.bytes)
                    $0.sequence = last.sequence
                }
            }
        }
    }

    private final class Latest: Sendable {
        let statuses = Mutex<[Hedgerow_Stream_V1_StreamStatus]>([])
    }
}
