import FoundationEssentials

extension Settings {
    /// What stands in the place of a secret.
    public static let redacted = "<redacted>"

    /// Every key for people, in columns: key, value, default, where the value came from. Secrets are redacted.
    public func renderTable() -> String {
        var rows = [["KEY", "VALUE", "DEFAULT", "FROM"]]
        for entry in entries {
            rows.append([
                entry.key.name, shown(entry.value?.description, of: entry.key) ?? "-",
                shown(entry.key.defaultValue, of: entry.key) ?? "-", entry.origin.description,
            ])
        }
        let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < 3 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            return line + "\n"
        }.joined()
    }

    /// Every key for programs: a JSON array of objects with `key`, `value`, `default`, `source` (`flag`,
    /// `environment`, `file`, `default`, `unset`), `from` (the same for people), `secret`, `values` (what is allowed,
    /// for people), `summary`, `flag`, `environment`. `value` and `default` are texts or null. Secrets are redacted.
    public func renderJSON() -> String {
        struct Row: Encodable {
            let key: String
            let value: String?
            let `default`: String?
            let source: String
            let from: String
            let secret: Bool
            let values: String
            let summary: String
            let flag: String
            let environment: String

            enum CodingKeys: CodingKey {
                case key, value, `default`, source, from, secret, values, summary, flag, environment
            }

            // Spelled out, so that null is written.
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(key, forKey: .key)
                try container.encode(value, forKey: .value)
                try container.encode(`default`, forKey: .default)
                try container.encode(source, forKey: .source)
                try container.encode(from, forKey: .from)
                try container.encode(secret, forKey: .secret)
                try container.encode(values, forKey: .values)
                try container.encode(summary, forKey: .summary)
                try container.encode(flag, forKey: .flag)
                try container.encode(environment, forKey: .environment)
            }
        }
        let rows = entries.map { entry in
            Row(
                key: entry.key.name, value: shown(entry.value?.description, of: entry.key),
                default: shown(entry.key.defaultValue, of: entry.key), source: entry.origin.kind,
                from: entry.origin.description, secret: entry.key.isSecret,
                values: entry.key.kind.expectation, summary: entry.key.summary, flag: entry.key.flag,
                environment: entry.key.environmentVariable)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Texts and truth values always encode.
        let data = (try? encoder.encode(rows)) ?? Data()
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// The table of keys for a program's help: flag, kind, summary, default.
    public static func help(_ keys: [SettingKey]) -> String {
        let all = [SettingKey(name: "config", .path, summary: "Configuration file (YAML or JSON).")] + keys
        let heads = all.map { "\($0.flag) \($0.kind.placeholder)" }
        let width = heads.map(\.count).max() ?? 0
        return zip(all, heads).map { key, head in
            let padding = String(repeating: " ", count: width - head.count + 2)
            let value = key.isSecret || key.defaultValue == nil ? "" : " (default: \(key.defaultValue ?? ""))"
            return "  \(head)\(padding)\(key.summary)\(value)"
        }.joined(separator: "\n")
    }

    private func shown(_ text: String?, of key: SettingKey) -> String? {
        key.isSecret && text != nil ? Self.redacted : text
    }
}
