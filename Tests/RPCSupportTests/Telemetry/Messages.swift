import Foundation
import HedgerowAPI
import Messaging
import RPCSupport
import SwiftProtobuf
import TestSupport

/// A batch of readings, as many as given values.
func readings(_ values: [Double], topic: String = "t/a") -> Batch {
    var batch = Batch()
    batch.topic = topic
    batch.baseTime = Microseconds.timestamp(1_700_000_000_000_000)
    batch.timeOffsetsUs = values.indices.map { Int64($0) * 1_000 }
    var column = Hedgerow_Type_V1_Column()
    column.name = "temperature"
    column.unit = "°C"
    column.doubleValues = values
    batch.readings.columns = [column]
    return batch
}

func publication(_ sequence: UInt64, _ values: [Double] = [1], topic: String = "t/a") -> Publication {
    .with {
        $0.sequence = sequence
        $0.batch = readings(values, topic: topic)
    }
}

func lost(_ first: UInt64, _ last: UInt64, _ reason: LossReason = .overwritten) -> WireLostRange {
    .with {
        $0.firstSequence = first
        $0.lastSequence = last
        $0.reason = reason
    }
}

func epoch(_ number: UInt8) -> Epoch {
    var generator = SeededGenerator(seed: UInt64(number))
    return Epoch.random(using: &generator)
}

func opening(_ oldest: UInt64 = 1, epoch number: UInt8 = 1, stream: String = "") -> PublishRequest {
    .with {
        $0.session.stream = stream
        $0.session.epoch = Data(epoch(number).bytes)
        $0.session.oldestSequence = oldest
    }
}

/// Waits until a condition holds; throws where it does not come to that.
func until(_ condition: () -> Bool) async throws {
    try await eventually("a condition of the test", within: .seconds(60), holds: { condition() })
}
