import Foundation
import GRDB
import HedgerowAPI
import Messaging
import RPCSupport
import SwiftProtobuf

/// Reads history out of rows of batches: a merge of batches by their last sample, newest first.
///
/// A batch spans at most an hour (`MessageLimits.maximumBatchSpan`), so that the batches that can hold
/// samples at or before a page's beginning are found by an index on the last sample.
struct HistoryReader {
    /// Batches that one page looks at before it ends early, as soon as it has come any further.
    static let maximumBatches = 5_000
    /// Bytes of records after which a page ends early; far enough below gRPC's message limit that one more
    /// record of 1 MiB fits.
    static let maximumBytes = 2 << 20

    private struct Candidate {
        let position: HistoryPosition
        let batch: Batch
        let detail: MessageRecord

        /// Made only for those that get onto a page: a batch has up to 1,000 rows.
        var record: MessageRecord? {
            StoredMessages.records(batch: batch, detail: detail, rows: [position.row]).first
        }
    }

    private let db: Database
    private let query: HistoryQuery
    private let maximumBatches: Int

    init(_ db: Database, _ query: HistoryQuery, maximumBatches: Int = Self.maximumBatches) {
        self.db = db
        self.query = query
        self.maximumBatches = maximumBatches
    }

    func page() throws -> HistoryPage {
        var page = HistoryPage(records: [], next: nil)
        var last: HistoryPosition?
        // Ascending; the newest candidate is the last.
        var candidates: [Candidate] = []
        var topics: [Int64: Bool] = [:]
        var looked = 0
        var bytes = 0

        /// Moves candidates to the page that nothing read later can precede; true when the page is full.
        func emit(newerThan bound: Int64?) throws -> Bool {
            while let candidate = candidates.last {
                if let bound, candidate.position.time <= bound { return false }
                if page.records.count == query.limit || bytes >= Self.maximumBytes {
                    page.next = last
                    return true
                }
                if let record = candidate.record {
                    let encoded: [UInt8] = try record.serializedBytes()
                    bytes += encoded.count
                    page.records.append(record)
                }
                last = candidate.position
                candidates.removeLast()
            }
            return false
        }

        let rows = try batches()
        while let row = try rows.next() {
            let lastTime: Int64 = row[1]
            if try emit(newerThan: lastTime) { return page }
            looked += 1
            if looked > maximumBatches {
                // Everything newer than this batch has been given out; go on with it next time. Where that is
                // no progress, because very many batches span one instant, the page goes on.
                let next = HistoryPosition(time: lastTime, batch: .max, row: .max)
                if next < last ?? query.position ?? .newest {
                    page.next = next
                    return page
                }
            }
            guard try isWanted(topicID: row[2], &topics) else { continue }
            let new = try self.candidates(id: row[0], detail: row[3], payload: row[4])
            guard !new.isEmpty else { continue }
            candidates.append(contentsOf: new)
            candidates.sort { $0.position < $1.position }
        }
        _ = try emit(newerThan: nil)
        return page
    }

    private func candidates(id: Int64, detail: Data, payload: Data) throws -> [Candidate] {
        let batch = try Batch(serializedBytes: payload)
        let detail = try MessageRecord(serializedBytes: detail)
        return (0..<batch.count).compactMap { row in
            let position = HistoryPosition(time: batch.sampleTime(row: row), batch: id, row: row)
            if let start = query.start, position.time < start { return nil }
            if let end = query.end, position.time >= end { return nil }
            if let before = query.position, position >= before { return nil }
            return Candidate(position: position, batch: batch, detail: detail)
        }
    }

    private func batches() throws -> RowCursor {
        var conditions: [String] = []
        var arguments = StatementArguments()
        if let thing = query.thing {
            conditions.append("thing_id = (SELECT id FROM telemetry_thing WHERE name = ?)")
            arguments += [thing]
        }
        if let start = query.start {
            conditions.append("last_time >= ?")
            arguments += [start]
        }
        var newest = query.end.map { $0 - 1 }
        if let position = query.position { newest = min(newest ?? position.time, position.time) }
        if let newest {
            let span = MessageLimits.standard.maximumBatchSpan.components.seconds * 1_000_000
            conditions.append("first_time <= ? AND last_time <= ?")
            arguments += [newest, newest + span]
        }
        let filter = conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
        return try Row.fetchCursor(
            db,
            sql: """
                SELECT id, last_time, topic_id, detail, payload FROM telemetry_batch
                \(filter) ORDER BY last_time DESC, id DESC
                """, arguments: arguments)
    }

    private func isWanted(topicID: Int64, _ known: inout [Int64: Bool]) throws -> Bool {
        if let answer = known[topicID] { return answer }
        let name = try String.fetchOne(
            db, sql: "SELECT name FROM telemetry_topic WHERE id = ?", arguments: [topicID])
        // Without a filter everything, dead letters included: what failed must not be hidden.
        let answer =
            name.flatMap { try? Topic($0) }.map { query.filter?.matches($0) ?? true } ?? false
        known[topicID] = answer
        return answer
    }
}
