import Foundation
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing
import Transforms

@testable import EdgeCore

@Suite struct ReadingBatchWireTests {
    @Test func whatTransformsAreGivenIsWhatTheBatchSays() throws {
        let batch: Batch = .with {
            $0.topic = "t"
            $0.baseTime = .init(seconds: 5, nanos: 1_000)
            $0.timeOffsetsUs = [0, -10, 20]
            $0.timeDoubtful = true
            $0.readings.columns = [
                .with {
                    $0.name = "b"
                    $0.boolValues = [true, false, true]
                },
                .with {
                    $0.name = "d"
                    $0.unit = "°C"
                    $0.doubleValues = [1, 2, 3]
                    $0.absentRows = [0, 2]
                },
                .with {
                    $0.name = "i"
                    $0.integerValues = [1, 2, 3]
                },
                .with {
                    $0.name = "s"
                    $0.stringValues = ["x", "y", "z"]
                },
            ]
            $0.readings.statuses = [
                .with {
                    $0.row = 1
                    $0.status = .failed
                    $0.reason = "bus"
                },
                .with {
                    $0.row = 2
                    $0.status = .notProcessed
                    $0.reason = "t: step"
                },
            ]
            $0.traces = [
                .with {
                    $0.row = 2
                    $0.traceparent = "00-1-2-01"
                }
            ]
        }
        let readings = try #require(ReadingBatch(batch, thing: "a"))
        try readings.validate()
        #expect(readings.thing == "a" && readings.topic == "t" && readings.isTimeDoubtful)
        #expect(readings.times == [5_000_001, 4_999_991, 5_000_021])
        #expect(
            readings.columns == [
                ReadingColumn(name: "b", values: .bools([true, false, true])),
                ReadingColumn(name: "d", unit: "°C", values: .doubles([1, 2, 3]), absentRows: [0, 2]),
                ReadingColumn(name: "i", values: .integers([1, 2, 3])),
                ReadingColumn(name: "s", values: .strings(["x", "y", "z"])),
            ])
        #expect(
            readings.statuses == [
                1: RowStatus(.failed, reason: "bus"), 2: RowStatus(.notProcessed, reason: "t: step"),
            ])
        #expect(readings.traces == [2: "00-1-2-01"])
        // And back: the messages are the same, whatever the offsets count from.
        let back = Batch(readings)
        for row in 0..<3 { #expect(back.message(row: row) == batch.message(row: row)) }
    }

    @Test func payloadsAreNoReadings() {
        let batch: Batch = .with {
            $0.topic = "t"
            $0.timeOffsetsUs = [0]
            $0.payloads.data = [Data([1])]
        }
        #expect(ReadingBatch(batch, thing: "a") == nil)
    }

    @Test func textsAreCutBetweenCharacters() {
        #expect("abc".prefix(utf8: 3) == "abc")
        #expect("abc".prefix(utf8: 2) == "ab")
        #expect("aéé".prefix(utf8: 4) == "aé")
        #expect("👩‍👩‍👧x".prefix(utf8: 5) == "")
        #expect("".prefix(utf8: 0) == "")
    }
}
