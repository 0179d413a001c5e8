import Components
import FoundationEssentials
import HedgerowAPI
import SwiftProtobuf

/// Streams of cores as the command line writes them.
enum StreamText {
    typealias Status = Hedgerow_Stream_V1_StreamStatus
    typealias Export = Hedgerow_Stream_V1_StreamExportStatus

    static let header = [
        "CORE", "STREAM", "MESSAGES", "SIZE", "OLDEST", "IN/S", "OUT/S", "LOST", "EXPORTS", "REPORTED",
    ]

    static func cells(_ stream: Status, now: Date) -> [Table.Cell] {
        let lost = stream.lost.reduce(0) { $0 + $1.count }
        return [
            Table.Cell(stream.core), Table.Cell(stream.stream), Table.Cell("\(stream.messages)"),
            Table.Cell("\(size(stream.bytes)) of \(size(stream.maxBytes))"),
            Table.Cell(age(stream, now: now)), Table.Cell(rate(stream.appended.messagesPerSecond)),
            Table.Cell(rate(stream.forwarded.messagesPerSecond)),
            Table.Cell("\(lost)", style: lost == 0 ? .plain : .bad),
            Table.Cell(
                stream.exports.map(short).joined(separator: " "),
                style: stream.exports.contains { $0.paused || !$0.lastError.isEmpty } ? .busy : .plain),
            Table.Cell(
                reported(stream), style: stream.connected ? .plain : .bad),
        ]
    }

    static func details(_ stream: Status, now: Date, coloured: Bool) -> String {
        let lost = stream.lost.map { "\($0.count) \(Ledger.word($0.reason))" }.joined(separator: ", ")
        var text = Details.render([
            ("core", stream.core), ("stream", stream.stream), ("reported", reported(stream)),
            ("messages", "\(stream.messages)"),
            ("size", "\(size(stream.bytes)) of \(size(stream.maxBytes))"), ("oldest", age(stream, now: now)),
            ("when full", policy(stream)), ("priority", "\(stream.priority)"),
            ("persistence", persistence(stream)),
            ("appended", volume(stream.appendedMessages, stream.appended)),
            ("forwarded", volume(stream.forwardedMessages, stream.forwarded)),
            ("lost", lost.isEmpty ? "none since the core started" : lost),
        ])
        if !stream.epochs.isEmpty {
            var table = Table(["EPOCH", "OLDEST", "NEWEST", "CURRENT"])
            for epoch in stream.epochs {
                let isEmpty = epoch.oldestSequence > epoch.newestSequence
                table.add([
                    Table.Cell(RecordText.hexadecimal(epoch.epoch)),
                    Table.Cell(isEmpty ? "" : "\(epoch.oldestSequence)"),
                    Table.Cell("\(epoch.newestSequence)"), Table.Cell(epoch.current ? "yes" : "no"),
                ])
            }
            text += "\n" + table.render(coloured: coloured)
        }
        var table = Table(["EXPORT", "KIND", "STATE", "LACKS", "HAS UP TO", "LAST", "ERROR"])
        for export in stream.exports {
            table.add([
                Table.Cell(export.name), Table.Cell(export.kind),
                Table.Cell(export.paused ? "paused" : "running", style: export.paused ? .busy : .good),
                Table.Cell("\(export.messages)"),
                Table.Cell(export.hasAcknowledged ? "\(export.acknowledged.sequence)" : ""),
                Table.Cell(export.hasLastTime ? TimeText.milliseconds(export.lastTime) ?? "" : ""),
                Table.Cell(export.lastError, style: .bad),
            ])
        }
        return text + "\n" + table.render(coloured: coloured)
    }

    // MARK: For programs

    static func members(_ stream: Status) -> [(String, JSONValue)] {
        [
            ("core", .text(stream.core)), ("stream", .text(stream.stream)),
            ("reportTime", stream.hasReportTime ? .text(TimeText.exact(stream.reportTime)) : .null),
            ("connected", .boolean(stream.connected)), ("persistence", .text(persistence(stream))),
            ("priority", .unsigned(UInt64(stream.priority))), ("onFull", .text(policy(stream))),
            ("messages", .unsigned(stream.messages)), ("bytes", .unsigned(stream.bytes)),
            ("maxBytes", .unsigned(stream.maxBytes)),
            (
                "oldestReceiveTime",
                stream.hasOldestReceiveTime ? .text(TimeText.exact(stream.oldestReceiveTime)) : .null
            ),
            (
                "epochs",
                .list(
                    stream.epochs.map { epoch in
                        .object([
                            ("epoch", .text(RecordText.hexadecimal(epoch.epoch))),
                            ("oldestSequence", .unsigned(epoch.oldestSequence)),
                            ("newestSequence", .unsigned(epoch.newestSequence)),
                            ("current", .boolean(epoch.current)),
                        ])
                    })
            ),
            ("appendedMessages", .unsigned(stream.appendedMessages)),
            ("forwardedMessages", .unsigned(stream.forwardedMessages)),
            ("appended", json(stream.appended)), ("forwarded", json(stream.forwarded)),
            ("lost", .object(stream.lost.map { (Ledger.word($0.reason), .unsigned($0.count)) })),
            ("exports", .list(stream.exports.map { .object(members($0)) })),
        ]
    }

    static func members(_ export: Export) -> [(String, JSONValue)] {
        [
            ("name", .text(export.name)), ("kind", .text(export.kind)), ("paused", .boolean(export.paused)),
            ("messages", .unsigned(export.messages)),
            (
                "acknowledged",
                export.hasAcknowledged
                    ? .object(members(export.acknowledged)) : .null
            ),
            ("lastTime", export.hasLastTime ? .text(TimeText.exact(export.lastTime)) : .null),
            ("lastError", export.lastError.isEmpty ? .null : .text(export.lastError)),
        ]
    }

    private static func members(_ position: Hedgerow_Stream_V1_StreamPosition) -> [(String, JSONValue)] {
        [
            ("epoch", .text(RecordText.hexadecimal(position.epoch))),
            ("sequence", .unsigned(position.sequence)),
        ]
    }

    private static func json(_ rate: Hedgerow_Stream_V1_StreamRate) -> JSONValue {
        .object([
            ("messagesPerSecond", .number(rate.messagesPerSecond)),
            ("bytesPerSecond", .number(rate.bytesPerSecond)),
        ])
    }

    // MARK: Messages

    static func line(_ message: Hedgerow_Stream_V1_StreamMessage) -> String {
        switch message.content {
        case .record(let record)?: return RecordText(record: record).line
        case .lost(let loss)?:
            let things = Text.printable(loss.things.joined(separator: " "))
            return
                "lost: \(loss.sequences) \(Ledger.word(loss.reason))\(things.isEmpty ? "" : " of \(things)")"
        case nil: return "something that a newer hedgerow shows"
        }
    }

    static func json(_ message: Hedgerow_Stream_V1_StreamMessage) -> JSONValue {
        let place = members(message.position)
        switch message.content {
        case .record(let record)?:
            return .object(place + [("record", RecordText(record: record).json)])
        case .lost(let loss)?:
            let account = JSONValue.object([
                ("reason", .text(Ledger.word(loss.reason))), ("sequences", .unsigned(loss.sequences)),
                ("things", .list(loss.things.map { .text($0) })),
            ])
            return .object(place + [("lost", account)])
        case nil: return .object(place)
        }
    }

    // MARK: Parts

    private static func reported(_ stream: Status) -> String {
        let time = stream.hasReportTime ? TimeText.milliseconds(stream.reportTime) ?? "" : "never"
        return stream.connected ? time : "\(time) (away)"
    }

    private static func short(_ export: Export) -> String {
        if export.paused { return "\(export.name)(paused)" }
        return export.lastError.isEmpty ? export.name : "\(export.name)(fails)"
    }

    private static func policy(_ stream: Status) -> String {
        (stream.onFull == .rejectNew ? StreamSettings.FullPolicy.rejectNew : .overwriteOldest).rawValue
    }

    private static func persistence(_ stream: Status) -> String {
        (stream.persistence == .memory ? StreamSettings.Persistence.memory : .disk).rawValue
    }

    private static func volume(_ messages: UInt64, _ rate: Hedgerow_Stream_V1_StreamRate) -> String {
        "\(messages) since the core started; \(Self.rate(rate.messagesPerSecond)) messages and "
            + "\(size(UInt64(max(0, rate.bytesPerSecond)))) per second over the last minute"
    }

    /// How old the oldest message is.
    private static func age(_ stream: Status, now: Date) -> String {
        guard stream.hasOldestReceiveTime else { return "" }
        let seconds = Int64(now.timeIntervalSince1970) - stream.oldestReceiveTime.seconds
        return TimeSpan.seconds(max(0, seconds)).description
    }

    /// A rate with one digit behind the point below 100.
    static func rate(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        if value >= 100 || value == 0 { return "\(Int64(value.rounded()))" }
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// A size in the largest unit that leaves at least 1, with one digit behind the point below 100.
    static func size(_ bytes: UInt64) -> String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] as [(String, UInt64)]
        where bytes >= 1 << shift {
            let tenths = bytes / (1 << shift / 10)
            if bytes.isMultiple(of: 1 << shift) || tenths >= 1_000 { return "\(bytes >> shift)\(unit)" }
            return "\(tenths / 10).\(tenths % 10)\(unit)"
        }
        return "\(bytes)B"
    }
}
