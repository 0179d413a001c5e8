import Foundation
import HedgerowAPI
import Messaging
import RPCSupport
import SwiftProtobuf

@testable import Cloud

/// What a component derived from a thing's messages: rows at some sequences of what the batch covers.
struct Derived {
    var thing = "thing-1"
    var epoch: UInt64 = 1
    var component = "c"
    var output: UInt32 = 0
    var topic = "derived/a"
    var covered: ClosedRange<UInt64>
    var rows: [UInt64]

    var origin: WireOrigin {
        var origin = derivedOrigin(covered.lowerBound, covered.upperBound, component: component)
        origin.thing = thing
        origin.epoch = Data(TelemetryFixture.epoch(epoch).bytes)
        origin.outputIndex = output
        let isTail = rows == Array((covered.upperBound - UInt64(rows.count - 1))...covered.upperBound)
        if !isTail { origin.rowOffsets = rows.map { UInt32($0 - covered.lowerBound) } }
        return origin
    }

    /// The value of each message is its sequence.
    func batch(at time: Int64 = TelemetryFixture.start) -> Batch {
        var batch = Batch()
        batch.topic = topic
        batch.baseTime = Microseconds.timestamp(time)
        batch.timeOffsetsUs = rows.map { Int64($0) * 1_000 }
        var column = Hedgerow_Type_V1_Column()
        column.name = "sequence"
        column.integerValues = rows.map { Int64($0) }
        batch.readings.columns = [column]
        return batch
    }

    func publication(at position: UInt64) -> Publication {
        .with {
            $0.sequence = position
            $0.batch = batch()
            $0.origin = origin
            $0.source = .with {
                $0.component = "compensate"
                $0.version = "1.2.0"
                $0.revision = 7
            }
        }
    }

    /// As `PublishHandler` makes it of what a core sends.
    func item(at position: UInt64, fromCore: Bool = true) -> IngestItem {
        .messages(
            IncomingPublication(
                publication(at: position), now: TelemetryFixture.start, mayHoldDeadLetters: fromCore))
    }
}

/// An origin of what a component derived.
func derivedOrigin(
    _ first: UInt64, _ last: UInt64, component: String = "c", output: UInt32 = 0, offsets: [UInt32] = []
) -> WireOrigin {
    var origin = origin("thing-1", first, last)
    origin.componentInstance = component
    origin.outputIndex = output
    origin.rowOffsets = offsets
    return origin
}
