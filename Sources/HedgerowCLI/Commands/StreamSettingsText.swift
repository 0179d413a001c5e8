import Components
import HedgerowAPI
import RPCSupport

/// The parameters of streams as the command line reads them from the wire and writes them.
enum StreamSettingsText {
    static func table(_ streams: [Hedgerow_Type_V1_StreamSettings], coloured: Bool) -> String {
        var table = Table(["STREAM", "SIZE", "WHEN FULL", "PRIORITY", "GOES TO", "FURTHER"])
        for stream in streams {
            let settings = StreamSettings(stream)
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
        let settings = StreamSettings(stream)
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
}
