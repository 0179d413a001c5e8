import GRDB
import Messaging
import StreamStore
import Testing

/// Short words for what tests do with streams.
struct StreamAccess {
    static let overwritten = 2
    static let deleted = 10
    static let notRouted = 6

    let db: Database
    var stream = "s"
    var limits = StreamLimits(maximumBytes: 1 << 20, overwritesOldest: true)

    var streams: DurableStreams { DurableStreams(db) }

    /// Appends a batch of so many messages of thing `a`, which continues its origins.
    @discardableResult
    func append(
        _ first: UInt64, _ last: UInt64, bytes: Int = 100, epoch number: UInt8 = 9, at time: Int64 = 7,
        doubtful: Bool = false
    ) throws -> DurableStreams.Outcome {
        try streams.append(
            StreamBatch(
                payload: [UInt8](repeating: 1, count: bytes), origin: origin("a", first, last),
                receiveTime: time,
                isReceiveTimeDoubtful: doubtful),
            count: Int(last - first + 1), to: stream, epoch: epoch(number), limits: limits,
            overwrittenReason: Self.overwritten)
    }

    func setExports(_ names: String...) throws {
        try streams.setExports(
            names.map { ExportDeclaration(name: $0, target: []) }, of: stream, gap: Self.notRouted, now: 5)
    }

    func current(epoch number: UInt8 = 9) throws -> StreamEpoch {
        let name = epoch(number)
        return try #require(try streams.epochs(of: stream, current: name).first { $0.epoch == name })
    }

    func acknowledge(_ through: UInt64, epoch number: UInt8 = 9) throws {
        try streams.acknowledge(try current(epoch: number), through: through)
    }

    /// An export takes everything up to a sequence of the epoch that comes next.
    func take(_ through: UInt64, by export: String, now: Int64 = 100) throws {
        let section = try #require(try streams.next(for: export, of: stream, limit: 1, maximumBytes: 1))
        try streams.acknowledge(
            ExportProgress(epochID: section.epochID, through: through, exported: 1), by: export, of: stream,
            now: now)
    }

    /// What an export is to take, as text.
    func waiting(for export: String) throws -> [String]? {
        try streams.next(for: export, of: stream, limit: .max, maximumBytes: .max)?.entries.map(Self.text)
    }

    /// What the cloud is to have, as text.
    func waitingForCloud(epoch number: UInt8 = 9) throws -> [String] {
        let epoch = try current(epoch: number)
        return try streams.entries(of: epoch, after: epoch.acknowledged, limit: .max, maximumBytes: .max)
            .map(Self.text)
    }

    /// Everything that is there, as text.
    func all() throws -> [String] {
        try streams.read(stream, from: .oldest, limit: .max, maximumBytes: .max).pieces.map {
            Self.text($0.entry)
        }
    }

    static func text(_ entry: StreamEntry) -> String {
        switch entry.content {
        case .batch: "\(entry.positions)"
        case .lost(let reason, let origins):
            "\(entry.positions) lost \(reason) \(origins.map(\.range.description).joined(separator: ","))"
        }
    }
}

/// A database with the access of tests to it.
func withAccess(_ body: @escaping @Sendable (StreamAccess) throws -> Void) async throws {
    try await withStore { pool in try await pool.write { db in try body(StreamAccess(db: db)) } }
}
