import FoundationEssentials
import GRDB
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf

/// Exports a stream to a topic on the core: each message is published there, below the export's topic under its own, and
/// goes to the things that the group's subscriptions from the stream lead it to.
///
/// Exactly once into the durable queue of each such thing, in the transaction that moves the checkpoint; from there, as
/// every message that the core delivers at QoS 1, at least once. Subscriptions at QoS 0 get it live, or not at all.
struct TopicExport: StreamExporter {
    /// Most messages in one transaction.
    static let maximumMessages = 250
    /// Messages that wait in the queue of a connected thing above which the export waits for the thing.
    static let maximumWaiting = SubscriberQueue.maximumMessages / 2
    /// How long it then waits before it looks again.
    static let pause = Duration.milliseconds(100)
    /// How often it looks before it asks anew what it is to do: it may be paused, removed or led elsewhere meanwhile.
    static let patience = 20

    let name: String
    let stream: String
    let topic: String
    let parts: TelemetryParts

    private struct Step: Sendable {
        var progress: ExportProgress
        /// Messages and the things that they go to.
        var published: [(things: [String], records: [MessageRecord])] = []
        var refusal: String?
    }

    func take(_ section: ExportSection) async throws {
        let (name, stream, now) = (name, stream, parts.clock.now)
        let step = Self.step(section, topic: topic, stream: stream, core: parts.core, table: parts.table)
        if let refusal = step.refusal {
            parts.onceAMinute("export \(stream) \(name)") {
                parts.logger.warning(
                    "messages cannot be exported to a topic; they are counted as lost to the export",
                    metadata: ["stream": "\(stream)", "export": "\(name)", "error.message": "\(refusal)"])
            }
        }
        let connected = Set(parts.outlets.acknowledgingThings)
        let waitedFor = Set(step.published.flatMap(\.things)).intersection(connected)
        var looks = 0
        while try await isFull(waitedFor) {
            looks += 1
            guard looks <= Self.patience else { return }
            try await Task.sleep(for: Self.pause)
        }
        try await parts.committer.commit(needsRoom: true) { db in
            for (things, records) in step.published {
                let payloads: [Data] = try records.map { try $0.serializedBytes() }
                for thing in things {
                    for payload in payloads {
                        try SubscriberQueue.enqueue(db, subscriber: thing, payload: payload, now: now)
                    }
                }
            }
            try DurableStreams(db).acknowledge(step.progress, by: name, of: stream, now: now)
        }
        parts.outlets.wake(Set(step.published.flatMap(\.things)))
        for (things, records) in step.published {
            for thing in things { parts.outlets.send(records, toThing: thing) }
        }
    }

    /// Whether one of these things, which are connected, has so much in its queue that more would push it out.
    private func isFull(_ things: Set<String>) async throws -> Bool {
        guard !things.isEmpty else { return false }
        let still = things.intersection(parts.outlets.acknowledgingThings)
        return try await parts.read { db in
            try still.contains { try SubscriberQueue.depth(db, subscriber: $0) > Self.maximumWaiting }
        }
    }

    /// Works out what a section publishes.
    private static func step(
        _ section: ExportSection, topic: String, stream: String, core: String, table: RoutingTable
    ) -> Step {
        var step = Step(progress: ExportProgress(epochID: section.epochID, through: section.acknowledged))
        for entry in section.entries where step.progress.exported < maximumMessages {
            step.progress.skip(to: entry)
            guard case .batch(let stored) = entry.content,
                var batch = try? Batch(serializedBytes: stored.payload),
                UInt64(batch.count) == entry.positions.count
            else {
                step.progress.lose(entry)
                continue
            }
            let published: Topic
            do throws(InvalidTopic) {
                published = try Topic("\(topic)/\(batch.topic)")
            } catch {
                step.refusal = error.description
                step.progress.lose(entry)
                continue
            }
            batch.topic = published.description
            let first = Int(step.progress.through + 1 - entry.positions.first)
            let rows = first..<min(batch.count, first + maximumMessages - Int(step.progress.exported))
            let things = table.route(fromStream: stream, topic: published).things
            if !things.isEmpty {
                step.published.append((things, records(of: batch, stored, rows: rows, core: core)))
            }
            step.progress.exported += UInt64(rows.count)
            step.progress.through = entry.positions.first + UInt64(rows.upperBound) - 1
        }
        return step
    }

    private static func records(
        of batch: Batch, _ stored: StreamBatch, rows: Range<Int>, core: String
    ) -> [MessageRecord] {
        let sequences = stored.origin.sequences(count: batch.count)
        let origin = WireOrigin(stored.origin.key)
        return rows.map { row in
            var record = MessageRecord()
            record.message = batch.message(row: row)
            record.origin = origin
            if row < sequences.count {
                record.origin.firstSequence = sequences[row]
                record.origin.lastSequence = sequences[row]
            }
            if let source = stored.source { record.source = WireSource(source) }
            record.receiveTime = Microseconds.timestamp(stored.receiveTime)
            record.receiveTimeDoubtful = stored.isReceiveTimeDoubtful
            record.core = core
            return record
        }
    }
}
