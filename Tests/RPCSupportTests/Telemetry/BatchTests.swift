import Foundation
import HedgerowAPI
import Messaging
import RPCSupport
import SwiftProtobuf
import Testing

@Suite struct BatchTests {
    private func plain() -> PlainMessage {
        var message = PlainMessage()
        message.topic = "t/a"
        message.time = Microseconds.timestamp(-1)
        message.timeDoubtful = true
        message.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        message.reading.values["d"] = .with { $0.doubleValue = 1.5 }
        message.reading.values["i"] = .with { $0.integerValue = -7 }
        message.reading.values["b"] = .with { $0.boolValue = false }
        message.reading.values["s"] = .with { $0.stringValue = "" }
        message.reading.units["d"] = "°C"
        return message
    }

    @Test func aPlainReadingComesBackUnchanged() throws {
        let batch = Batch(plain())
        #expect(batch.count == 1)
        #expect(batch.message(row: 0) == plain())
        #expect(try BatchCheck().check(batch).span == -1 ... -1)
    }

    @Test func aFailedReadingKeepsItsReason() throws {
        var message = PlainMessage()
        message.topic = "t"
        message.time = Microseconds.timestamp(0)
        message.reading.status = .failed
        message.reading.statusReason = "no answer on the bus"
        #expect(Batch(message).message(row: 0) == message)
        _ = try BatchCheck().check(Batch(message))
    }

    @Test func aDeadLetterKeepsItsValuesItsStatusAndItsReason() throws {
        var message = plain()
        message.reading.status = .notProcessed
        for reason in ["", "t/a: step 1, set x: division by zero"] {
            message.reading.statusReason = reason
            #expect(Batch(message).message(row: 0) == message)
        }
    }

    @Test func aPayloadComesBackUnchangedAlsoWhenItIsEmpty() throws {
        for data in [Data(), Data([0, 255])] {
            var message = PlainMessage()
            message.topic = "t"
            message.time = Microseconds.timestamp(5)
            message.payload.contentType = "text/plain"
            message.payload.data = data
            #expect(Batch(message).message(row: 0) == message)
            _ = try BatchCheck().check(Batch(message))
        }
    }

    @Test func rowsSelectedFromABatchAreTheSameMessages() throws {
        var batch = readings([0, 1, 2, 3, 4, 5])
        var sparse = Hedgerow_Type_V1_Column()
        sparse.name = "count"
        sparse.integerValues = [0, 1, 2, 3, 4, 5]
        sparse.absentRows = [1, 3, 5]
        batch.readings.columns.append(sparse)
        batch.readings.statuses = [
            .with {
                $0.row = 3
                $0.status = .failed
                $0.reason = "why"
            }
        ]
        batch.traces = [
            .with {
                $0.row = 2
                $0.traceparent = "x"
            },
            .with {
                $0.row = 5
                $0.traceparent = "y"
            },
        ]
        for range in [0..<6, 0..<1, 2..<5, 5..<6] {
            let part = batch.selecting(range)
            _ = try BatchCheck().check(part)
            #expect(part.count == range.count)
            for row in range {
                #expect(part.message(row: row - range.lowerBound) == batch.message(row: row))
                #expect(part.sampleTime(row: row - range.lowerBound) == batch.sampleTime(row: row))
            }
        }
        #expect(batch.message(row: 3).reading.values["count"] == nil)
        #expect(batch.message(row: 3).reading.status == .failed)
        #expect(batch.message(row: 2).traceparent == "x")

        var payloads = Batch()
        payloads.topic = "t"
        payloads.timeOffsetsUs = [0, -1, 2]
        payloads.payloads.data = [Data([0]), Data([1]), Data([2])]
        #expect(payloads.selecting(1..<3).message(row: 0) == payloads.message(row: 1))
        #expect(payloads.sampleSpan?.first == -1)
        #expect(payloads.sampleSpan?.last == 2)
    }
}

@Suite struct BatchCheckTests {
    private static func column(_ name: String, _ fill: (inout Hedgerow_Type_V1_Column) -> Void = { _ in })
        -> Hedgerow_Type_V1_Column
    {
        var column = Hedgerow_Type_V1_Column()
        column.name = name
        column.doubleValues = [0, 0]
        fill(&column)
        return column
    }

    /// What breaks a good batch of two readings, with the reason that it is refused for.
    private static let broken: [(String, ErrorReason, @Sendable (inout Batch) -> Void)] = [
        ("empty topic", .topicNotAllowed, { $0.topic = "" }),
        ("wildcard", .topicNotAllowed, { $0.topic = "a/+" }),
        ("reserved topic", .topicNotAllowed, { $0.topic = "$aws/x" }),
        ("long topic", .topicNotAllowed, { $0.topic = String(repeating: "a", count: 257) }),
        ("deep topic", .topicNotAllowed, { $0.topic = "1/2/3/4/5/6/7/8/9" }),
        ("no messages", .malformedMessage, { $0.timeOffsetsUs = [] }),
        ("too many messages", .messageTooLarge, { $0.timeOffsetsUs = Array(repeating: 0, count: 1_001) }),
        ("no content", .malformedMessage, { $0.content = nil }),
        ("base time", .malformedMessage, { $0.baseTime.seconds = 253_402_300_800 }),
        ("nanoseconds", .malformedMessage, { $0.baseTime.nanos = -1 }),
        ("far offset", .malformedMessage, { $0.timeOffsetsUs = [0, .max] }),
        ("far offset back", .malformedMessage, { $0.timeOffsetsUs = [.min, 0] }),
        ("span", .malformedMessage, { $0.timeOffsetsUs = [0, 3_600_000_001] }),
        ("trace row", .malformedMessage, { $0.traces = [.with { $0.row = 2 }] }),
        (
            "traces", .malformedMessage,
            { $0.traces = Array(repeating: .with { $0.traceparent = "x" }, count: 3) }
        ),
        (
            "long trace", .malformedMessage,
            { $0.traces = [.with { $0.traceparent = String(repeating: "0", count: 129) }] }
        ),
        ("fields", .malformedMessage, { $0.readings.columns = (0..<257).map { column("f\($0)") } }),
        ("empty name", .malformedMessage, { $0.readings.columns = [column("")] }),
        (
            "long name", .malformedMessage,
            { $0.readings.columns = [column(String(repeating: "n", count: 129))] }
        ),
        ("name twice", .malformedMessage, { $0.readings.columns = [column("a"), column("a")] }),
        ("unit", .malformedMessage, { $0.readings.columns[0].unit = String(repeating: "u", count: 65) }),
        ("too few values", .malformedMessage, { $0.readings.columns[0].doubleValues = [1] }),
        ("too many values", .malformedMessage, { $0.readings.columns[0].doubleValues = [1, 2, 3] }),
        ("no values", .malformedMessage, { $0.readings.columns[0].doubleValues = [] }),
        ("two types", .malformedMessage, { $0.readings.columns[0].boolValues = [true, true] }),
        (
            "long text", .malformedMessage,
            {
                $0.readings.columns = [
                    column("s") {
                        $0.doubleValues = []
                        $0.stringValues = ["", String(repeating: "x", count: 65_537)]
                    }
                ]
            }
        ),
        ("absent row", .malformedMessage, { $0.readings.columns[0].absentRows = [2] }),
        ("absent order", .malformedMessage, { $0.readings.columns[0].absentRows = [1, 0] }),
        ("absent twice", .malformedMessage, { $0.readings.columns[0].absentRows = [1, 1] }),
        ("status row", .malformedMessage, { $0.readings.statuses = [.with { $0.row = 2 }] }),
        ("statuses", .malformedMessage, { $0.readings.statuses = Array(repeating: .init(), count: 3) }),
        (
            "long reason", .malformedMessage,
            { $0.readings.statuses = [.with { $0.reason = String(repeating: "r", count: 257) }] }
        ),
        ("nothing said", .malformedMessage, { $0.readings.columns = [] }),
        ("payloads", .malformedMessage, { $0.payloads.data = [Data()] }),
        (
            "content type", .malformedMessage,
            {
                $0.payloads.data = [Data(), Data()]
                $0.payloads.contentType = String(repeating: "c", count: 257)
            }
        ),
        ("bytes", .messageTooLarge, { $0.payloads.data = [Data(), Data(count: 1 << 20)] }),
    ]

    @Test(arguments: broken.indices) func aBatchThatBreaksARuleIsRefused(index: Int) throws {
        let (name, reason, change) = Self.broken[index]
        var batch = readings([1, 2])
        _ = try BatchCheck().check(batch)
        change(&batch)
        do {
            _ = try BatchCheck().check(batch)
            Issue.record("\(name) was accepted")
        } catch {
            #expect(error.reason == reason, "\(name): \(error.detail)")
            #expect(!error.detail.isEmpty)
        }
    }

    @Test func theLimitsThemselvesAreAllowed() throws {
        var batch = readings(Array(repeating: 1, count: 1_000), topic: "1/2/3/4/5/6/7/8")
        batch.timeOffsetsUs[999] = 3_600_000_000
        batch.readings.columns = (0..<256).map { number in
            Self.column("f\(number)") {
                $0.doubleValues = []
                $0.boolValues = Array(repeating: true, count: 1_000)
            }
        }
        _ = try BatchCheck().check(batch)
    }

    @Test func microsecondsReachFromYear1To9999AndRoundDown() {
        for time in [Microseconds.minimum, -1, 0, 1, 1_700_000_000_123_456, Microseconds.maximum] {
            #expect(Microseconds.of(Microseconds.timestamp(time)) == time)
        }
        #expect(
            Microseconds.of(
                .with {
                    $0.seconds = -1
                    $0.nanos = 999_999_999
                }) == -1)
        #expect(Microseconds.of(.with { $0.nanos = 1_999 }) == 1)
        #expect(Microseconds.of(.with { $0.nanos = 1_000_000_000 }) == nil)
        #expect(Microseconds.of(.with { $0.seconds = .max }) == nil)
        #expect(Microseconds.of(.with { $0.seconds = .min }) == nil)
        #expect(Microseconds.of(Microseconds.timestamp(Microseconds.maximum + 1)) == nil)
        #expect(Microseconds.of(Microseconds.timestamp(Microseconds.minimum - 1)) == nil)
    }
}
