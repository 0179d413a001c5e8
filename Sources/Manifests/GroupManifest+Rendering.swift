public import Components
import Shadows
import Yams

extension GroupManifest {
    /// A definition as a group file in YAML that ``parse(_:fileName:)`` reads back to the same definition.
    /// What has its default is left out, and selectors are written as such.
    public static func render(_ revision: GroupDefinition) -> String {
        let definition = revision.asWritten
        var lines = ["kind: Group", "name: \(quoted(definition.name))"]
        lines.append("cores: [\(definition.cores.map(quoted).joined(separator: ", "))]")
        if !definition.things.isEmpty || !definition.selectors.isEmpty {
            lines.append("things:")
            lines += definition.things.map { "  - \(quoted($0))" }
            lines += definition.selectors.map { "  - {selector: \(quoted($0.description))}" }
        }
        if !definition.components.isEmpty {
            lines.append("components:")
            for instance in definition.components {
                var parts = ["name: \(quoted(instance.name))"]
                if instance.component != instance.name {
                    parts.append("component: \(quoted(instance.component))")
                }
                parts.append("version: \(quoted(instance.request.description))")
                parts += settings(of: instance)
                lines.append("  - {\(parts.joined(separator: ", "))}")
            }
        }
        if !definition.subscriptions.isEmpty {
            lines.append("subscriptions:")
            for subscription in definition.subscriptions {
                var parts = [
                    "from: \(quoted(subscription.from.description))",
                    "topic: \(quoted(subscription.topicFilter))",
                    "to: \(quoted(subscription.to.description))",
                ]
                if let via = subscription.via { parts.append("via: \(quoted(via))") }
                lines.append("  - {\(parts.joined(separator: ", "))}")
            }
        }
        if !definition.streams.isEmpty {
            lines.append("streams:")
            for (name, settings) in definition.streams.sorted(by: { $0.key < $1.key }) {
                lines.append("  \(quoted(name)): {\(parts(of: settings).joined(separator: ", "))}")
            }
        }
        if let shadows = definition.shadows { lines += text(shadows) }
        if let rotation = definition.caRotation { lines.append("caRotation: \(rotation)") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Configuration, environment and shadows, where there are any.
    private static func settings(of instance: ComponentInstance) -> [String] {
        var parts: [String] = []
        let update = instance.configuration
        if !update.isEmpty {
            var fields: [String] = []
            // JSON is YAML.
            if !update.merge.isEmpty {
                fields.append("merge: \(ConfigurationValue.object(update.merge).json)")
            }
            if !update.reset.isEmpty {
                fields.append(
                    "reset: [\(update.reset.map { quoted($0.description) }.joined(separator: ", "))]")
            }
            parts.append("configuration: {\(fields.joined(separator: ", "))}")
        }
        if !instance.environment.isEmpty {
            let variables = instance.environment.sorted { $0.key < $1.key }
                .map { "\($0.key): \(quoted($0.value))" }
            parts.append("environment: {\(variables.joined(separator: ", "))}")
        }
        if !instance.shadows.isEmpty {
            parts.append("shadows: [\(instance.shadows.map { quoted($0.text) }.joined(separator: ", "))]")
        }
        return parts
    }

    /// What a stream says: its size, what happens when it is full and its priority, and further what has not its
    /// default.
    private static func parts(of settings: StreamSettings) -> [String] {
        let standard = StreamSettings()
        var parts = [
            "maxSize: \(settings.maxSize)", "onFull: \(settings.onFull.rawValue)",
            "priority: \(settings.priority)",
        ]
        if let span = settings.timeToLive { parts.append("timeToLive: \(span)") }
        if settings.persistence != standard.persistence {
            parts.append("persistence: \(settings.persistence.rawValue)")
        }
        if settings.batchSize != standard.batchSize { parts.append("batchSize: \(settings.batchSize)") }
        if settings.batchInterval != standard.batchInterval {
            parts.append("batchInterval: \(settings.batchInterval)")
        }
        if settings.liveShare != standard.liveShare { parts.append("liveShare: \(settings.liveShare)") }
        if let rate = settings.maxRate { parts.append("maxRate: \(rate)") }
        if settings.exports != standard.exports {
            parts.append("exports: [\(settings.exports.map(text).joined(separator: ", "))]")
        }
        return parts
    }

    private static func text(_ shadows: ShadowSettings) -> [String] {
        var lines = ["shadows:", shadows.sync.isEmpty ? "  sync: []" : "  sync:"]
        for rule in shadows.sync {
            var parts = ["things: \(quoted(rule.things.text))"]
            if rule.direction != .both { parts.append("direction: \(rule.direction.rawValue)") }
            if rule.interval.milliseconds != 0 { parts.append("every: \(rule.interval)") }
            lines.append(
                parts.count == 1
                    ? "    - \(quoted(rule.things.text))" : "    - {\(parts.joined(separator: ", "))}")
        }
        if let home = shadows.home { lines.append("  home: \(quoted(home))") }
        return lines
    }

    private static func text(_ export: StreamExport) -> String {
        var parts: [String] = []
        switch export.target {
        case .cloud: return StreamExport.cloudName
        case .topic(let topic): parts.append("topic: \(quoted(topic))")
        case .directory(let directory):
            let standard = StreamDirectory(directory.path)
            parts.append("directory: \(quoted(directory.path))")
            if directory.maxFileSize != standard.maxFileSize {
                parts.append("maxFileSize: \(directory.maxFileSize)")
            }
            if directory.maxFiles != standard.maxFiles { parts.append("maxFiles: \(directory.maxFiles)") }
        }
        if let name = export.givenName { parts.append("name: \(quoted(name))") }
        return "{\(parts.joined(separator: ", "))}"
    }

    /// A text as a YAML scalar: plain where that is safe, in double quotes elsewhere.
    private static func quoted(_ text: String) -> String {
        let isPlain =
            text.first.map { $0.isASCII && $0.isLetter } == true
            && text.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || "0123456789._-/".unicodeScalars.contains(scalar))
            } && Node(text).tag.description == Tag.Name.str.rawValue
        if isPlain { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F || (0x80..<0xA0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                escaped += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
            case "\u{2028}": escaped += "\\L"
            case "\u{2029}": escaped += "\\P"
            case "\u{FEFF}": escaped += "\\uFEFF"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return "\"\(escaped)\""
    }
}
