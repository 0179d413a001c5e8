import Foundation
import GRDB
import HedgerowAPI
import Messaging
import RPCSupport
import SwiftProtobuf

/// Adds up the account of one thing.
struct LedgerReader {
    private struct Run: Hashable {
        let epoch: Data
        let component: String
    }

    private let db: Database

    init(_ db: Database) { self.db = db }

    /// The account; nil where nothing was ever heard of the thing.
    func ledger(
        of thing: String, offset: Int, limit: Int
    ) throws -> Hedgerow_Telemetry_V1_GetLedgerResponse? {
        guard
            let id = try Int64.fetchOne(
                db, sql: "SELECT id FROM telemetry_thing WHERE name = ?", arguments: [thing])
        else { return nil }
        var response = Hedgerow_Telemetry_V1_GetLedgerResponse()
        if offset == 0 { response.days = try days(id) }
        response.received = UInt64(
            try Int64.fetchOne(
                db, sql: "SELECT SUM(received) FROM telemetry_day WHERE thing_id = ?", arguments: [id]) ?? 0)
        let ranges = try ranges(id)
        for range in ranges {
            let count = SequenceRange(range.firstSequence, range.lastSequence)?.count ?? 0
            if range.missing {
                response.missing = Self.sum(response.missing, count)
            } else {
                response.lost = Self.sum(response.lost, count)
            }
        }
        response.ranges = Array(ranges.dropFirst(offset).prefix(limit))
        return response
    }

    /// Stays at the largest number: ranges are what publishers say.
    private static func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max : sum
    }

    private func days(_ id: Int64) throws -> [Hedgerow_Telemetry_V1_LedgerDay] {
        var days: [[String]: Hedgerow_Telemetry_V1_LedgerDay] = [:]
        for row in try Row.fetchAll(
            db,
            sql: "SELECT day, stream, received, duplicates, rejected FROM telemetry_day WHERE thing_id = ?",
            arguments: [id])
        {
            let (day, stream): (String, String) = (row[0], row[1])
            days[[day, stream]] = .with {
                $0.day = day
                $0.stream = stream
                $0.received = UInt64(row[2] as Int64)
                $0.duplicates = UInt64(row[3] as Int64)
                $0.rejected = UInt64(row[4] as Int64)
            }
        }
        for row in try Row.fetchAll(
            db,
            sql: """
                SELECT day, stream, reason, count FROM telemetry_day_lost
                WHERE thing_id = ? AND count > 0 ORDER BY reason
                """, arguments: [id])
        {
            let (day, stream): (String, String) = (row[0], row[1])
            let reason = LossReason(rawValue: row[2]) ?? .unspecified
            guard reason.isLoss else { continue }
            var entry =
                days[[day, stream]]
                ?? .with {
                    $0.day = day
                    $0.stream = stream
                }
            entry.lost.append(
                .with {
                    $0.reason = reason
                    $0.count = UInt64(row[3] as Int64)
                })
            days[[day, stream]] = entry
        }
        return days.values.sorted { ($0.day, $0.stream) < ($1.day, $1.stream) }
    }

    /// Lost and missing ranges by epoch, component and sequence.
    private func ranges(_ id: Int64) throws -> [Hedgerow_Telemetry_V1_LedgerRange] {
        var known: [Run: SequenceSet] = [:]
        var result: [Hedgerow_Telemetry_V1_LedgerRange] = []
        for row in try Row.fetchAll(
            db,
            sql: """
                SELECT epoch, component, first, last, NULL FROM telemetry_received WHERE thing_id = ?1
                UNION ALL SELECT epoch, component, first, last, reason FROM telemetry_declared WHERE thing_id = ?1
                """, arguments: [id])
        {
            let run = Run(epoch: row[0], component: row[1])
            guard let range = SequenceRange(UInt64(row[2] as Int64), UInt64(row[3] as Int64)) else {
                continue
            }
            known[run, default: SequenceSet()].insert(range)
            guard let reason = (row[4] as Int?).map({ LossReason(rawValue: $0) ?? .unspecified }),
                reason.isLoss
            else { continue }
            result.append(entry(run, range) { $0.reason = reason })
        }
        // Dead letters are what failed, with nothing between them that could be missing: a core that has none for long
        // says nothing of them, and the next one begins where it begins.
        for (run, set) in known where !ResolvedOrigin.isOfDeadLetters(run.component) {
            for gap in set.gaps { result.append(entry(run, gap) { $0.missing = true }) }
        }
        return result.sorted {
            let (a, b) = (Array($0.epoch), Array($1.epoch))
            if a != b { return a.lexicographicallyPrecedes(b) }
            return ($0.componentInstance, $0.firstSequence) < ($1.componentInstance, $1.firstSequence)
        }
    }

    private func entry(
        _ run: Run, _ range: SequenceRange, _ fill: (inout Hedgerow_Telemetry_V1_LedgerRange) -> Void
    ) -> Hedgerow_Telemetry_V1_LedgerRange {
        .with {
            $0.epoch = run.epoch
            $0.componentInstance = run.component
            $0.firstSequence = range.first
            $0.lastSequence = range.last
            fill(&$0)
        }
    }
}
