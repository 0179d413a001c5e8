import Foundation
import GRDB
import HedgerowAPI
import SwiftProtobuf
import TestSupport
import ThingClient

extension SoakScenario {
    /// What is acknowledged, what the history has and in which order it came, and what the ledger names.
    func audit() async throws -> (audit: DeliveryAudit, account: FleetOperator.Account) {
        let lossless = SoakGroup.publishers.flatMap { publisher in
            // What the component makes of a thing's readings goes through a stream with room enough.
            (publisher.mayDrop ? [] : [publisher.name]) + [Self.twin(of: publisher.name)]
        }
        let twins = Set(SoakGroup.publishers.filter(\.hasTwin).map(\.name))
        var audit = DeliveryAudit(lossless: Set(lossless))
        for thing in Self.things {
            for (run, ranges) in try FleetThing(thing, in: fleet).acknowledged() {
                let twin = DeliveryAudit.Run(thing: Self.twin(of: thing), epoch: run.epoch)
                for range in ranges {
                    audit.acknowledge(run, range)
                    if twins.contains(thing) { audit.acknowledge(twin, range) }
                }
            }
        }
        let account = try await admin.collect(into: &audit, things: Self.things) { record in
            let number = record.message.reading.values["n"].map { value in
                if case .integerValue(let number) = value.kind { return Double(number) }
                return value.doubleValue
            }
            let stamp = SoakGroup.stamp(record.origin.firstSequence)
            return number == (record.origin.componentInstance.isEmpty ? stamp : 2 * stamp)
        }
        try enterOrder(into: &audit)
        return (audit, account)
    }

    private static func twin(of thing: String) -> String {
        DeliveryAudit.name(of: thing, through: SoakGroup.component)
    }

    /// The last sequences of the runs that have ended well: there, all is settled.
    func enterEnds(into audit: inout DeliveryAudit) {
        for thing in Self.things {
            guard let statistics = statistics(thing) else { continue }
            let last = statistics.lastAcknowledgedSequence
            audit.end(.init(thing: thing, epoch: statistics.epoch), at: last)
            audit.end(.init(thing: Self.twin(of: thing), epoch: statistics.epoch), at: last)
        }
    }

    /// The order of storing is that of the rows in the cloud's database; the history has that of the sample times.
    private func enterOrder(into audit: inout DeliveryAudit) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let queue = try DatabaseQueue(path: fleet.cloudState + "/cloud.sqlite", configuration: configuration)
        let lanes = Dictionary(
            uniqueKeysWithValues: SoakGroup.publishers.map { ($0.name, $0.hasLanes ? 2 : 1) })
        try queue.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT name, detail FROM telemetry_batch JOIN telemetry_thing ON telemetry_thing.id = thing_id
                    ORDER BY telemetry_batch.id
                    """)
            while let row = try rows.next() {
                let (thing, detail): (String, Data) = (row["name"], row["detail"])
                let record = try Hedgerow_Type_V1_Record(serializedBytes: detail)
                let origin = record.origin
                // What the component makes takes one way, whatever the thing's own.
                let isTwin = !origin.componentInstance.isEmpty
                audit.order(
                    FleetOperator.run(thing, origin.epoch, origin.componentInstance),
                    origin.firstSequence...origin.lastSequence, way: record.core,
                    lanes: isTwin ? 1 : lanes[thing] ?? 1)
            }
        }
    }
}
