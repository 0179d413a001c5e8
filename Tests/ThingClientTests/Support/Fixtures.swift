import Foundation
import HedgerowAPI

@testable import ThingClient

/// A fixed moment that tests count from: 2026-03-01T12:00:00Z.
let noon = Date(timeIntervalSince1970: 1_772_366_400)

func message(
    _ value: Double, topic: String = "t/readings", at time: Date = noon, note: String? = nil
) throws -> OutgoingMessage {
    var values: [String: ReadingValue] = ["value": .double(value)]
    if let note { values["note"] = .string(note) }
    return try OutgoingMessage(topic: topic, values: values, time: time)
}

/// The `value` fields of a publication, in order.
func values(of publication: Hedgerow_Telemetry_V1_Publication) -> [Double] {
    publication.batch.readings.columns.first { $0.name == "value" }?.doubleValues ?? []
}
