import Foundation
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

/// Picking messages out of a batch.
@Suite struct BatchSelectingTests {
    private var batch: Batch {
        .with {
            $0.topic = "t"
            $0.baseTime = .init(seconds: 5, nanos: 0)
            $0.timeOffsetsUs = [0, 10, 20, 30, 40]
            $0.readings.columns = [
                .with {
                    $0.name = "d"
                    $0.unit = "°C"
                    $0.doubleValues = [0, 1, 2, 3, 4]
                    $0.absentRows = [1, 3]
                },
                .with {
                    $0.name = "i"
                    $0.integerValues = [0, 10, 20, 30, 40]
                },
                .with {
                    $0.name = "b"
                    $0.boolValues = [true, false, true, false, true]
                },
                .with {
                    $0.name = "s"
                    $0.stringValues = ["a", "b", "c", "d", "e"]
                },
            ]
            $0.readings.statuses = [
                .with {
                    $0.row = 3
                    $0.status = .failed
                    $0.reason = "why"
                }
            ]
            $0.traces = [
                .with {
                    $0.row = 1
                    $0.traceparent = "one"
                },
                .with {
                    $0.row = 4
                    $0.traceparent = "four"
                },
            ]
        }
    }

    @Test func everyChoiceOfRowsHasThoseMessages() throws {
        for choice in 1..<32 {
            let rows = (0..<5).filter { choice & (1 << $0) != 0 }
            let part = batch.selecting(rows)
            _ = try BatchCheck().check(part)
            #expect(part.count == rows.count)
            for (index, row) in rows.enumerated() {
                #expect(part.message(row: index) == batch.message(row: row), "\(rows)")
            }
        }
        #expect(batch.selecting([]).count == 0)
    }

    @Test func payloadsGoWithTheirRows() {
        var payloads = batch
        payloads.payloads.data = (0..<5).map { Data([UInt8($0)]) }
        #expect(payloads.selecting([0, 2, 4]).payloads.data == [Data([0]), Data([2]), Data([4])])
    }
}
