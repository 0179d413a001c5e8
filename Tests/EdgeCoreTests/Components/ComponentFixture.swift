import Components
import Foundation
import GRDB
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Transforms

@testable import EdgeCore

/// A CPU of always the same temperature.
struct FixedHost: TransformHost, Sendable {
    var celsius: Double? = 40

    func cpuTemperature(over span: Duration?) throws(HostFailure) -> Double {
        guard let celsius else { throw HostFailure("no temperature") }
        return celsius
    }
}

/// A component instance that runs steps.
func component(
    _ instance: String, version: String = "1.0.0", input: [InputField]? = nil, access: HostAccess = [],
    _ steps: [TransformStep]
) throws -> RunningComponent {
    let transform = try Transform(TransformDefinition(input: input, steps: steps), access: access)
    return RunningComponent(
        LockedComponent(
            instance: instance, component: instance, version: try SemanticVersion(parsing: version),
            recipeDigest: []), state: .ready(transform))
}

/// Readings of a thing, one a sequence; the fields of each are what `fields` says of its sequence.
func readings(
    _ first: UInt64, _ last: UInt64, topic: String = "t/x", sequenced: Bool = true,
    _ fields: (UInt64) -> [String: Int64]
) -> IngestItem {
    var publication = Publication()
    publication.sequence = sequenced ? first : 0
    publication.batch = .with { batch in
        batch.topic = topic
        batch.baseTime = Microseconds.timestamp(1_700_000_000_000_000)
        batch.timeOffsetsUs = (first...last).map { Int64($0) }
        let rows = (first...last).map(fields)
        batch.readings.columns = Set(rows.flatMap(\.keys)).sorted().map { name in
            .with { column in
                column.name = name
                column.integerValues = rows.map { $0[name] ?? 0 }
                column.absentRows = rows.indices.filter { rows[$0][name] == nil }.map { UInt32($0) }
            }
        }
    }
    return .messages(IncomingPublication(publication, now: 0))
}

/// One message in a stream, or one sequence of an account.
struct StreamRow: Hashable, CustomStringConvertible {
    /// Key of the output, empty for the thing's own.
    let output: String
    let sequence: UInt64
    /// Topic, status, reason and integer fields of a message, or the reason of an account.
    let text: String

    var description: String { "\(output) \(sequence) \(text)" }
}

/// What streams held, taken apart.
struct StreamContents {
    var rows: [StreamRow] = []
    /// What is accounted for, by epoch and output.
    var covered: [OriginKey: SequenceSet] = [:]
    /// Ranges that something was told about twice.
    var overlaps: [String] = []
    /// Batches that components made.
    var derived: [StreamBatch] = []

    mutating func add(_ entries: [StreamEntry]) throws {
        for entry in entries {
            switch entry.content {
            case .batch(let stored):
                cover(stored.origin)
                if stored.source != nil { derived.append(stored) }
                let batch = try Batch(serializedBytes: stored.payload)
                for (row, sequence) in Self.sequences(stored.origin, count: batch.count).enumerated() {
                    let message = batch.message(row: row)
                    let fields = message.reading.values.sorted { $0.key < $1.key }
                        .map { "\($0.key)=\($0.value.integerValue)" }
                    let status = message.reading.status == .unspecified ? "" : " \(message.reading.status)"
                    rows.append(
                        StreamRow(
                            output: stored.origin.key.component, sequence: sequence,
                            text: "\(message.topic)\(status) \(fields.joined(separator: " "))"))
                }
            case .lost(let reason, let origins):
                for origin in origins {
                    cover(origin)
                    // What lies between those that it lists had been dropped on purpose.
                    let sequences =
                        origin.rowOffsets.isEmpty
                        ? Array(origin.range.first...origin.range.last)
                        : origin.rowOffsets.map { origin.range.first + UInt64($0) }
                    for sequence in sequences {
                        rows.append(
                            StreamRow(
                                output: origin.key.component, sequence: sequence,
                                text: "\(LossReason(rawValue: reason) ?? .unspecified)"))
                    }
                }
            }
        }
    }

    private mutating func cover(_ origin: StreamEntry.OriginRange) {
        let known = covered[origin.key, default: SequenceSet()]
        if known.missing(from: origin.range) != [origin.range] {
            overlaps.append("\(origin.key.component) \(origin.range)")
        }
        covered[origin.key, default: SequenceSet()].insert(origin.range)
    }

    static func sequences(_ origin: StreamEntry.OriginRange, count: Int) -> [UInt64] {
        origin.rowOffsets.isEmpty
            ? (0..<UInt64(count)).map { origin.range.last + 1 - UInt64(count) + $0 }
            : origin.rowOffsets.map { origin.range.first + UInt64($0) }
    }

    /// The rows of an output, as text without it.
    func rows(of output: String) -> [String] {
        rows.filter { $0.output == output }.map { "\($0.sequence) \($0.text)" }
    }
}

extension TelemetryFixture {
    /// Takes everything out of a stream, as if the cloud had it.
    func drain(_ stream: String = "default", into contents: inout StreamContents) async throws {
        let current = parts.epoch
        let entries = try await pool.write { db -> [StreamEntry] in
            let streams = DurableStreams(db)
            var all: [StreamEntry] = []
            for epoch in try streams.epochs(of: stream, current: current) {
                all += try streams.entries(
                    of: epoch, after: epoch.acknowledged, limit: .max, maximumBytes: .max)
                try streams.acknowledge(epoch, through: epoch.next - 1)
            }
            return all
        }
        try contents.add(entries)
    }

    func drained(_ stream: String = "default") async throws -> StreamContents {
        var contents = StreamContents()
        try await drain(stream, into: &contents)
        return contents
    }
}
