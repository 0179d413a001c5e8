import Foundation
import HedgerowAPI
import SwiftProtobuf
import Testing

@testable import HedgerowCLI

@Suite("Results")
struct RenderingTests {
    static func reading() -> Hedgerow_Type_V1_Record {
        var record = Hedgerow_Type_V1_Record()
        record.message.topic = "bme680/readings"
        record.message.time = Google_Protobuf_Timestamp(seconds: 1_777_890_600, nanos: 125_000_000)
        record.message.reading.values["temperature"] = .with { $0.doubleValue = 21.4 }
        record.message.reading.values["humidity"] = .with { $0.integerValue = 40 }
        record.message.reading.values["note"] = .with { $0.stringValue = "a, \"b\"" }
        record.message.reading.units["temperature"] = "°C"
        record.origin.thing = "bme680-1"
        record.origin.epoch = Data([0x0A, 0xFF])
        record.origin.firstSequence = 7
        record.origin.lastSequence = 7
        record.core = "pi-1"
        record.storeTime = Google_Protobuf_Timestamp(seconds: 1_777_890_601)
        return record
    }

    static func payload(_ data: Data, type: String = "") -> Hedgerow_Type_V1_Record {
        var record = Hedgerow_Type_V1_Record()
        record.message.topic = "t"
        record.message.payload.data = data
        record.message.payload.contentType = type
        return record
    }

    @Test("as tables are aligned, and the last column is not padded")
    func table() {
        var table = Table(["NAME", "X"])
        table.add(["a", "1"])
        table.add(["longer", ""])
        #expect(table.render(coloured: false) == "NAME    X\na       1\nlonger  -\n")
    }

    @Test("are coloured only where that is asked for, without moving columns")
    func colour() {
        var table = Table(["NAME", "STATE", "X"])
        table.add(["a", Table.Cell("yes", style: .good), "1"])
        #expect(!table.render(coloured: false).contains("\u{1B}"))
        #expect(table.render(coloured: true).contains("a     \u{1B}[32myes\u{1B}[0m    1"))
        var io = CommandIO.captured().io
        io.outputIsTerminal = true
        #expect(io.isColoured)
        io.environment["NO_COLOR"] = ""
        #expect(io.isColoured)
        io.environment["NO_COLOR"] = "1"
        #expect(!io.isColoured)
        io.environment = ["TERM": "dumb"]
        #expect(!io.isColoured)
    }

    @Test("cannot steer the terminal")
    func control() {
        var table = Table(["NAME"])
        table.add(["a\u{1B}[2J\n\u{202E}b"])
        #expect(table.render(coloured: false) == "NAME\na\\u{1b}[2J\\n\\u{202e}b\n")
        var record = Self.payload(Data("x\u{1B}]0;evil\u{7}\ny".utf8))
        record.origin.thing = "a\nb"
        #expect(!RecordText(record: record).line.contains { $0 == "\u{1B}" || $0 == "\n" || $0 == "\u{7}" })
    }

    @Test("as JSON keep the order of names and escape what has to be")
    func json() throws {
        let value = JSONValue.object([
            ("z", .text("a\"\\\n\u{1}é")),
            ("a", .list([.integer(-1), .unsigned(.max), .null, .boolean(true)])),
            ("n", .list([.number(21.4), .number(.nan)])), ("e", .object([])), ("l", .list([])),
        ])
        #expect(
            value.compact
                == #"{"z":"a\"\\\n\u0001é","a":[-1,18446744073709551615,null,true],"n":[21.4,"NaN"],"e":{},"l":[]}"#
        )
        #expect(
            JSONValue.object([("a", .list([.integer(1), .object([("b", .null)])]))]).pretty
                == "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ]\n}")
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(value.pretty.utf8)) }
    }

    @Test("show a reading on one line, as JSON and as CSV")
    func reading() {
        let text = RecordText(record: Self.reading())
        #expect(
            text.line == "2026-05-04T10:30:00.125Z  bme680-1  bme680/readings  "
                + "humidity=40  note=\"a, \"b\"\"  temperature=21.4 °C")
        #expect(
            text.json.compact
                == #"{"time":"2026-05-04T10:30:00.125Z","thing":"bme680-1","topic":"bme680/readings","#
                + #""values":{"humidity":40,"note":"a, \"b\"","temperature":21.4},"units":{"temperature":"°C"},"#
                + #""status":"ok","epoch":"0aff","sequence":7,"core":"pi-1","receiveTime":null,"#
                + #""storeTime":"2026-05-04T10:30:01Z","timeDoubtful":false}"#)
        let lines = text.csv.map(CSV.line)
        #expect(lines.count == 3)
        #expect(
            lines[1]
                == "2026-05-04T10:30:00.125Z,bme680-1,bme680/readings,0aff,7,note,\"a, \"\"b\"\"\",,,ok,,,\n")
        #expect(lines[2].hasSuffix(",temperature,21.4,°C,,ok,,,\n"))
        #expect(text.csv.allSatisfy { $0.count == RecordText.csvHeader.count })
    }

    @Test("show what made a derived reading, and why a dead letter is one")
    func derived() {
        var record = Self.reading()
        record.origin.componentInstance = "hall"
        record.origin.outputIndex = 1
        record.source = .with {
            $0.component = "compensate"
            $0.version = "1.2.0"
            $0.revision = 5
        }
        let text = RecordText(record: record)
        #expect(
            text.line.hasPrefix(
                "2026-05-04T10:30:00.125Z  bme680-1  bme680/readings  [compensate 1.2.0 r5]  humidity=40"))
        #expect(text.cells.map(\.text)[3] == "compensate 1.2.0 r5")
        #expect(
            text.json.compact.contains(
                #""component":"hall","outputIndex":1,"source":{"component":"compensate","version":"1.2.0","revision":5}"#
            ))
        #expect(text.csv.allSatisfy { $0.suffix(4) == ["ok", "compensate", "1.2.0", "5"] })
        record.message.reading.status = .notProcessed
        record.message.reading.statusReason = "raw: division by zero"
        let dead = RecordText(record: record)
        #expect(dead.content.hasPrefix("not processed: raw: division by zero  humidity=40"))
        #expect(
            dead.json.compact.contains(#""status":"notProcessed","statusReason":"raw: division by zero""#))
        #expect(dead.csv.allSatisfy { $0.contains("notProcessed") })
        #expect(dead.csv.allSatisfy { $0.count == RecordText.csvHeader.count })
    }

    @Test("show a payload as text where it is one, else as base64")
    func payloads() {
        #expect(RecordText(record: Self.payload(Data("hi".utf8))).content == "hi")
        #expect(RecordText(record: Self.payload(Data([0xFF]))).content == "application/octet-stream, 1 bytes")
        #expect(RecordText(record: Self.payload(Data([0xFF]))).json.compact.contains("\"base64\":\"/w==\""))
        let json = RecordText(record: Self.payload(Data("{}".utf8), type: "application/json"))
        #expect(json.json.compact.contains("\"text\":\"{}\""))
        let binary = RecordText(record: Self.payload(Data("hi".utf8), type: "image/png"))
        #expect(binary.content == "image/png, 2 bytes")
    }

    @Test("show a failed reading with its reason")
    func failedReading() {
        var record = Self.reading()
        record.message.reading = .with {
            $0.status = .failed
            $0.statusReason = "no answer on I2C"
        }
        #expect(RecordText(record: record).content == "failed: no answer on I2C")
        #expect(RecordText(record: record).csv.count == 1)
    }

    @Test("of history are written page by page as one document")
    func pages() throws {
        for format in HistoryCommand.Format.allCases {
            let captured = CommandIO.captured()
            var writer = HistoryWriter(format: format, io: captured.io)
            try writer.begin()
            try writer.write([Self.reading(), Self.reading()])
            try writer.write([])
            try writer.write([Self.reading()])
            try writer.end()
            switch format {
            case .table: #expect(captured.output.split(separator: "\n").count == 4)
            case .csv: #expect(captured.output.split(separator: "\n").count == 10)
            case .json:
                let list = try JSONSerialization.jsonObject(with: Data(captured.output.utf8)) as? [Any]
                #expect(list?.count == 3)
            }
        }
        let empty = CommandIO.captured()
        var writer = HistoryWriter(format: .json, io: empty.io)
        try writer.begin()
        try writer.end()
        #expect(empty.output == "[]\n")
    }

    @Test("of a ledger name every loss")
    func ledger() {
        var totals = Hedgerow_Telemetry_V1_GetLedgerResponse()
        totals.received = 10
        totals.lost = 2
        totals.missing = 1
        totals.days = [
            .with {
                $0.day = "2026-05-04"
                $0.stream = "pi-1/default"
                $0.received = 10
                $0.lost = [
                    .with {
                        $0.reason = .overwritten
                        $0.count = 2
                    }
                ]
            }
        ]
        let ranges: [Hedgerow_Telemetry_V1_LedgerRange] = [
            .with {
                $0.firstSequence = 3
                $0.lastSequence = 4
                $0.reason = .overwritten
            },
            .with {
                $0.firstSequence = 9
                $0.lastSequence = 9
                $0.missing = true
            },
        ]
        let ledger = Ledger(thing: "t", totals: totals, ranges: ranges)
        let table = ledger.table(coloured: false)
        #expect(table.contains("pi-1/default  10        0           0         2 overwritten"))
        #expect(table.contains("3      4     2      overwritten"))
        #expect(table.contains("9      9     1      missing"))
        #expect(ledger.json.compact.contains(#""lost":{"overwritten":2}"#))
        #expect(ledger.json.compact.contains(#""reason":null,"missing":true"#))
    }
}
