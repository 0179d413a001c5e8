import Components
import HedgerowAPI
import SwiftProtobuf

/// The parameters of streams as the command line reads them from the wire and writes them.
enum StreamSettingsText {
    static func table(_ streams: [Hedgerow_Type_V1_StreamSettings], coloured: Bool) -> String {
        var table = Table(["STREAM", "SIZE", "WHEN FULL", "PRIORITY", "GOES TO", "FURTHER"])
        for stream in streams {
            let settings = settings(stream)
            table.add([
                Table.Cell(stream.name), Table.Cell(settings.maxSize.description),
                Table.Cell(settings.onFull.rawValue), Table.Cell("\(settings.priority)"),
                Table.Cell(settings.exports.map(\.description).joined(separator: " ")),
                Table.Cell(further(settings).joined(separator: " ")),
            ])
        }
        return table.render(coloured: coloured)
    }

    /// What has not its default, in the words of the group file.
    static func further(_ settings: StreamSettings) -> [String] {
        let standard = StreamSettings()
        var parts: [String] = []
        if let span = settings.timeToLive { parts.append("timeToLive=\(span)") }
        if settings.persistence != standard.persistence {
            parts.append("persistence=\(settings.persistence.rawValue)")
        }
        if settings.batchSize != standard.batchSize { parts.append("batchSize=\(settings.batchSize)") }
        if settings.batchInterval != standard.batchInterval {
            parts.append("batchInterval=\(settings.batchInterval)")
        }
        if settings.liveShare != standard.liveShare { parts.append("liveShare=\(settings.liveShare)") }
        if let rate = settings.maxRate { parts.append("maxRate=\(rate)") }
        return parts
    }

    static func json(_ stream: Hedgerow_Type_V1_StreamSettings) -> JSONValue {
        let settings = settings(stream)
        return .object([
            ("maxSizeBytes", .unsigned(settings.maxSize.bytes)),
            ("onFull", .text(settings.onFull.rawValue)),
            (
                "timeToLiveSeconds",
                settings.timeToLive.map { .number(Double($0.milliseconds) / 1_000) } ?? .null
            ),
            ("priority", .integer(Int64(settings.priority))),
            ("persistence", .text(settings.persistence.rawValue)),
            ("batchSize", .integer(Int64(settings.batchSize))),
            ("batchIntervalSeconds", .number(Double(settings.batchInterval.milliseconds) / 1_000)),
            ("liveShare", .number(settings.liveShare)),
            ("maxRateBytes", settings.maxRate.map { .unsigned($0.bytes) } ?? .null),
            ("exports", .list(settings.exports.map(json))),
        ])
    }

    private static func json(_ export: StreamExport) -> JSONValue {
        var members: [(String, JSONValue)] = [("name", .text(export.name)), ("kind", .text(export.kind))]
        switch export.target {
        case .cloud: break
        case .topic(let topic): members.append(("topic", .text(topic)))
        case .directory(let directory):
            members.append(("directory", .text(directory.path)))
            members.append(("maxFileSizeBytes", .unsigned(directory.maxFileSize.bytes)))
            members.append(("maxFiles", .integer(Int64(directory.maxFiles))))
        }
        return .object(members)
    }

    // MARK: Reading

    /// Settings from the wire. An export that is newer than this command line is left out.
    static func settings(_ stream: Hedgerow_Type_V1_StreamSettings) -> StreamSettings {
        var settings = StreamSettings()
        if stream.maxSizeBytes != 0 { settings.maxSize = ByteSize(bytes: stream.maxSizeBytes) }
        if stream.onFull == .rejectNew { settings.onFull = .rejectNew }
        if stream.hasTimeToLive { settings.timeToLive = span(stream.timeToLive) }
        if stream.priority != 0 { settings.priority = Int(stream.priority) }
        if stream.persistence == .memory { settings.persistence = .memory }
        if stream.batchSize != 0 { settings.batchSize = Int(stream.batchSize) }
        if stream.hasBatchInterval { settings.batchInterval = span(stream.batchInterval) }
        settings.liveShare = stream.liveShare
        if stream.maxRateBytes != 0 { settings.maxRate = ByteSize(bytes: stream.maxRateBytes) }
        if !stream.exports.isEmpty { settings.exports = stream.exports.compactMap(export) }
        return settings
    }

    private static func export(_ export: Hedgerow_Type_V1_StreamExport) -> StreamExport? {
        let name = export.name.isEmpty ? nil : export.name
        switch export.target {
        case .cloud?: return StreamExport(.cloud, name: name)
        case .topic(let topic)?: return StreamExport(.topic(topic.topic), name: name)
        case .directory(let directory)?:
            var target = StreamDirectory(directory.path)
            if directory.maxFileSizeBytes != 0 {
                target.maxFileSize = ByteSize(bytes: directory.maxFileSizeBytes)
            }
            if directory.maxFiles != 0 { target.maxFiles = Int(directory.maxFiles) }
            return StreamExport(.directory(target), name: name)
        case nil: return nil
        }
    }

    private static func span(_ duration: Google_Protobuf_Duration) -> TimeSpan {
        let (product, overflow) = duration.seconds.multipliedReportingOverflow(by: 1_000)
        return TimeSpan(milliseconds: overflow ? .max : product &+ Int64(duration.nanos / 1_000_000))
    }
}
