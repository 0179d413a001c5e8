import Components
import Yams

/// Streams: their parameters and where they go.
extension GroupDecoder {
    private static let streamKeys = [
        "maxSize", "onFull", "timeToLive", "priority", "persistence", "batchSize", "batchInterval",
        "liveShare",
        "maxRate", "exports",
    ]
    private static let exportKeys = ["name", "topic", "directory", "maxFileSize", "maxFiles"]
    private static let exportForms = "write cloud, {topic: TOPIC} or {directory: PATH}"

    mutating func readStreams(_ entry: ManifestReader.Entry) -> [String: StreamSettings] {
        places["streams"] = entry.place
        var streams: [String: StreamSettings] = [:]
        for stream in reader.entries(entry.value, what: "\"streams\"") ?? [] {
            let path = "streams.\(stream.key)"
            places[path] = stream.keyPlace
            let fields = reader.fields(stream.value, what: "a stream", known: Self.streamKeys) ?? [:]
            for (key, field) in fields { places["\(path).\(key)"] = field.place }
            streams[stream.key] = settings(fields, path: path)
        }
        return streams
    }

    private mutating func settings(_ fields: [String: ManifestReader.Entry], path: String) -> StreamSettings {
        var settings = StreamSettings()
        if let size = fields["maxSize"].flatMap({ reader.size($0) }) { settings.maxSize = size }
        if let policy: StreamSettings.FullPolicy = fields["onFull"]
            .flatMap({ reader.choice($0, what: "policy") })
        {
            settings.onFull = policy
        }
        settings.timeToLive = fields["timeToLive"].flatMap { reader.span($0) }
        if let priority = fields["priority"].flatMap({ reader.integer($0) }) { settings.priority = priority }
        if let persistence: StreamSettings.Persistence = fields["persistence"]
            .flatMap({ reader.choice($0, what: "persistence") })
        {
            settings.persistence = persistence
        }
        if let size = fields["batchSize"].flatMap({ reader.integer($0) }) { settings.batchSize = size }
        if let interval = fields["batchInterval"].flatMap({ reader.span($0) }) {
            settings.batchInterval = interval
        }
        if let share = fields["liveShare"].flatMap({ reader.number($0) }) { settings.liveShare = share }
        settings.maxRate = fields["maxRate"].flatMap { reader.size($0) }
        if let entry = fields["exports"], let exports = exports(entry, path: "\(path).exports") {
            settings.exports = exports
        }
        return settings
    }

    /// The exports; nil where one of them cannot be read, so that nothing follows from what is left.
    private mutating func exports(_ entry: ManifestReader.Entry, path: String) -> [StreamExport]? {
        guard let nodes = reader.list(entry) else { return nil }
        var exports: [StreamExport] = []
        for node in nodes {
            let place = "\(path)[\(exports.count)]"
            places[place] = Place(node.mark)
            guard let export = export(node, path: place) else { continue }
            exports.append(export)
        }
        return exports.count == nodes.count ? exports : nil
    }

    private mutating func export(_ node: Node, path: String) -> StreamExport? {
        guard reader.isMapping(node) else {
            guard let text = reader.text(node, what: "an export") else { return nil }
            if text == StreamExport.cloudName { return .cloud }
            reader.report(Place(node.mark), "\"\(reader.shown(text))\" is no export; \(Self.exportForms)")
            return nil
        }
        guard let fields = reader.fields(node, what: "an export", known: Self.exportKeys) else { return nil }
        for (key, field) in fields { places["\(path).\(key)"] = field.place }
        let name = fields["name"].flatMap { reader.text($0.value, what: "\"name\"") }
        switch (fields["topic"], fields["directory"]) {
        case (let topic?, nil):
            for key in ["maxFileSize", "maxFiles"] {
                guard let field = fields[key] else { continue }
                reader.report(field.keyPlace, "\"\(key)\" goes with a directory only; remove it")
            }
            return reader.text(topic.value, what: "\"topic\"").map { StreamExport(.topic($0), name: name) }
        case (nil, let entry?):
            guard let text = reader.text(entry.value, what: "\"directory\"") else { return nil }
            var directory = StreamDirectory(text)
            if let size = fields["maxFileSize"].flatMap({ reader.size($0) }) { directory.maxFileSize = size }
            if let count = fields["maxFiles"].flatMap({ reader.integer($0) }) { directory.maxFiles = count }
            return StreamExport(.directory(directory), name: name)
        default:
            reader.report(
                Place(node.mark), "an export has either \"topic\" or \"directory\"; \(Self.exportForms)")
            return nil
        }
    }
}
