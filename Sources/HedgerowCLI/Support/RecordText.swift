import FoundationEssentials
import HedgerowAPI
import SwiftProtobuf

/// Stored and delivered messages as the command line writes them.
struct RecordText {
    let record: Hedgerow_Type_V1_Record

    private var message: Hedgerow_Type_V1_Message { record.message }

    /// The sample time, else the time of receiving.
    private var time: String {
        let time = message.hasTime ? message.time : record.receiveTime
        return TimeText.milliseconds(time) ?? ""
    }

    /// What the message says, on one line: `temperature=21.4 °C humidity=40 %RH`, or the beginning of its
    /// payload.
    var content: String {
        switch message.content {
        case .reading(let reading):
            if reading.status == .failed { return "failed: \(reading.statusReason)" }
            let values = reading.values.sorted { $0.key < $1.key }.map { name, value in
                let unit = reading.units[name].map { " \($0)" } ?? ""
                return "\(name)=\(ValueText.describe(value))\(unit)"
            }
            // A dead letter: why, then what the component was given.
            let reason =
                reading.status == .notProcessed ? ["not processed: \(reading.statusReason)"] : []
            return (reason + values).joined(separator: "  ")
        case .payload(let payload):
            let type = payload.contentType.isEmpty ? "application/octet-stream" : payload.contentType
            guard let text = Self.text(payload) else { return "\(type), \(payload.data.count) bytes" }
            return text.count > 200 ? text.prefix(200) + "…" : text
        case nil: return ""
        }
    }

    /// The columns of a table.
    var cells: [Table.Cell] {
        [
            Table.Cell(time), Table.Cell(thing), Table.Cell(message.topic),
            Table.Cell(maker ?? "", style: .faint),
            Table.Cell(content, style: isDeadLetter ? .bad : .plain),
        ]
    }

    static let header = ["TIME", "THING", "TOPIC", "MADE BY", "CONTENT"]

    /// One line for a live view.
    var line: String {
        [time, thing, message.topic, maker.map { "[\($0)]" }, content].compactMap { $0 }.map(Text.printable)
            .joined(separator: "  ")
    }

    /// What made a derived message: `compensate-temperature 1.0.0 r3`, the last being the group's revision. Nil
    /// for a thing's own.
    private var maker: String? {
        record.hasSource
            ? "\(record.source.component) \(record.source.version) r\(record.source.revision)" : nil
    }

    /// Whether it is a message that a component failed on.
    var isDeadLetter: Bool {
        if message.topic.hasPrefix("$dead-letter/") { return true }
        if case .reading(let reading) = message.content { return reading.status == .notProcessed }
        return false
    }

    /// The word for a reading's status, as programs read it.
    private static func word(_ status: Hedgerow_Type_V1_ReadingStatus) -> String {
        switch status {
        case .unspecified, .ok: "ok"
        case .failed: "failed"
        case .notProcessed: "notProcessed"
        case .UNRECOGNIZED: "unknown"
        }
    }

    private var thing: String { record.origin.thing }

    /// For programs; docs/cli.md lists the names.
    var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("time", message.hasTime ? .text(TimeText.exact(message.time)) : .null),
            ("thing", .text(thing)), ("topic", .text(message.topic)),
        ]
        switch message.content {
        case .reading(let reading):
            members.append(
                (
                    "values",
                    .object(reading.values.sorted { $0.key < $1.key }.map { ($0, ValueText.json($1)) })
                ))
            members.append(
                ("units", .object(reading.units.sorted { $0.key < $1.key }.map { ($0, .text($1)) })))
            members.append(("status", .text(Self.word(reading.status))))
            if !reading.statusReason.isEmpty { members.append(("statusReason", .text(reading.statusReason))) }
        case .payload(let payload):
            members.append(("contentType", .text(payload.contentType)))
            if let text = Self.text(payload) {
                members.append(("text", .text(text)))
            } else {
                members.append(("base64", .text(payload.data.base64EncodedString())))
            }
        case nil: break
        }
        members.append(("epoch", .text(Self.hexadecimal(record.origin.epoch))))
        members.append(("sequence", .unsigned(record.origin.lastSequence)))
        if !record.origin.componentInstance.isEmpty {
            members.append(("component", .text(record.origin.componentInstance)))
            members.append(("outputIndex", .unsigned(UInt64(record.origin.outputIndex))))
        }
        if record.hasSource {
            members.append(
                (
                    "source",
                    .object([
                        ("component", .text(record.source.component)),
                        ("version", .text(record.source.version)),
                        ("revision", .unsigned(record.source.revision)),
                    ])
                ))
        }
        members.append(("core", record.core.isEmpty ? .null : .text(record.core)))
        members.append(
            ("receiveTime", record.hasReceiveTime ? .text(TimeText.exact(record.receiveTime)) : .null))
        members.append(("storeTime", record.hasStoreTime ? .text(TimeText.exact(record.storeTime)) : .null))
        members.append(("timeDoubtful", .boolean(message.timeDoubtful)))
        return .object(members)
    }

    /// The columns of CSV: one line for each value of a reading, one for a payload.
    var csv: [[String]] {
        let common = [
            message.hasTime ? TimeText.exact(message.time) : "", thing, message.topic,
            Self.hexadecimal(record.origin.epoch), String(record.origin.lastSequence),
        ]
        let source =
            record.hasSource
            ? [record.source.component, record.source.version, String(record.source.revision)] : ["", "", ""]
        switch message.content {
        case .reading(let reading):
            let end = [reading.statusReason, Self.word(reading.status)] + source
            if reading.values.isEmpty { return [common + ["", "", ""] + end] }
            return reading.values.sorted { $0.key < $1.key }.map { name, value in
                let text =
                    if case .stringValue(let text) = value.kind { text } else { ValueText.describe(value) }
                return common + [name, text, reading.units[name] ?? ""] + end
            }
        case .payload(let payload):
            let text = Self.text(payload) ?? payload.data.base64EncodedString()
            return [common + ["", text, "", "", ""] + source]
        case nil: return [common + ["", "", "", "", ""] + source]
        }
    }

    static let csvHeader = [
        "time", "thing", "topic", "epoch", "sequence", "field", "value", "unit", "statusReason", "status",
        "sourceComponent", "sourceVersion", "sourceRevision",
    ]

    /// The payload as a text where its type says that it is one, or where it has none and is UTF-8.
    private static func text(_ payload: Hedgerow_Type_V1_Payload) -> String? {
        let type = payload.contentType.lowercased()
        let isText = type.isEmpty || type.hasPrefix("text/") || type.contains("json") || type.contains("xml")
        return isText ? String(validating: payload.data, as: UTF8.self) : nil
    }

    static func hexadecimal(_ bytes: Data) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
