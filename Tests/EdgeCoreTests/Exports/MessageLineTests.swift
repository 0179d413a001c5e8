import Components
import Foundation
import GRDB
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

@Suite struct MessageLineTests {
    private func lines(
        _ batch: Batch, component: String = "", range: SequenceRange = SequenceRange(1, 2)!,
        rowOffsets: [UInt32] = [], source: StreamBatch.Source? = nil
    ) throws -> [String] {
        let stored = StreamBatch(
            payload: try batch.serializedBytes(),
            origin: .init(
                key: OriginKey(thing: "press-1", epoch: Epoch([UInt8](0..<16))!, component: component),
                range: range, rowOffsets: rowOffsets),
            source: source, receiveTime: 1_700_000_000_000_001, isReceiveTimeDoubtful: source != nil)
        let lines = try MessageLine(stored, core: "pi-1")
        var text = JSONText()
        for row in 0..<lines.count { lines.append(row: row, to: &text) }
        return String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private var readings: Batch {
        .with {
            $0.topic = "press/1"
            $0.baseTime = Microseconds.timestamp(1_700_000_000_000_000)
            $0.timeOffsetsUs = [0, 1_500_000]
            $0.readings.columns = [
                .with {
                    $0.name = "b"
                    $0.unit = "°C"
                    $0.doubleValues = [21.5, .nan]
                },
                .with {
                    $0.name = "a"
                    $0.integerValues = [7, 0]
                    $0.absentRows = [1]
                },
            ]
        }
    }

    @Test func aReadingIsOneObjectWithItsNamesInOrder() throws {
        let lines = try lines(readings)
        #expect(
            lines[0]
                == #"{"time":"2023-11-14T22:13:20.000000Z","thing":"press-1","topic":"press/1","values":{"a":7,"b":21.5},"#
                + #""units":{"b":"°C"},"status":"ok","epoch":"000102030405060708090a0b0c0d0e0f","sequence":1,"core":"pi-1","#
                + #""receiveTime":"2023-11-14T22:13:20.000001Z","timeDoubtful":false}"#)
        #expect(lines[1].contains(#""time":"2023-11-14T22:13:21.500000Z""#))
        #expect(lines[1].contains(#""values":{"b":"NaN"},"#))
        #expect(lines[1].contains(#""sequence":2,"#))
    }

    @Test func aDerivedMessageNamesItsMaker() throws {
        let lines = try lines(
            readings, component: "smooth#3", range: SequenceRange(10, 19)!, rowOffsets: [1, 9],
            source: .init(component: "mean", version: "1.2.0", revision: 4))
        #expect(lines[0].contains(#""sequence":11,"component":"smooth","outputIndex":3,"#))
        #expect(lines[1].contains(#""sequence":19,"#))
        #expect(lines[0].contains(#""source":{"component":"mean","version":"1.2.0","revision":4}"#))
        #expect(lines[0].hasSuffix(#""receiveTimeDoubtful":true}"#))
    }

    @Test func payloadsAreTextsWhereTheyAre() throws {
        let lines = try lines(
            .with {
                $0.topic = "t"
                $0.timeOffsetsUs = [0, 0]
                $0.payloads.data = [Data("a\"b\\\n\u{1}ü".utf8), Data([0xFF, 0xFE])]
            })
        #expect(lines[0].contains(#""time":null,"#))
        #expect(lines[0].contains(#""contentType":"","text":"a\"b\\\n\u0001ü","#))
        #expect(lines[1].contains(#""base64":"//4=","#))
        for line in lines {
            #expect((try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]) != nil)
        }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
    ])
    func instantsAreWrittenByTheGregorianCalendar(_ time: Int64, _ text: String) {
        #expect(UTCTime(time).text == text)
    }

    @Test func namesOfFilesAreThoseOfTheirStreamOnly() {
        let name = ExportFileName(stream: "a", time: "20260504T103000Z", number: 7)
        #expect(name.part == "a-20260504T103000Z-000007.jsonl.part")
        #expect(ExportFileName(name.part, stream: "a", suffix: ExportFileName.partial) == name)
        #expect(ExportFileName(name.part, stream: "a", suffix: ExportFileName.finished) == nil)
        for other in ["a-b-20260504T103000Z-000007.jsonl", "a-20260504T103000Z-x.jsonl", "a-1-2.jsonl", "a"] {
            #expect(ExportFileName(other, stream: "a", suffix: ExportFileName.finished) == nil, "\(other)")
        }
    }
}
