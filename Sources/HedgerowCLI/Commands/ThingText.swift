import HedgerowAPI

/// Things as the command line writes them.
enum ThingText {
    static func kind(_ thing: Hedgerow_Registry_V1_Thing) -> String { thing.kind == .core ? "core" : "thing" }

    private static func attributes(_ thing: Hedgerow_Registry_V1_Thing) -> [(key: String, value: String)] {
        thing.attributes.sorted { $0.key < $1.key }
    }

    static func cells(_ thing: Hedgerow_Registry_V1_Thing) -> [Table.Cell] {
        [
            Table.Cell(thing.name), Table.Cell(kind(thing)), Table.Cell(thing.type), Table.Cell(thing.group),
            Table.Cell(thing.connected ? "yes" : "no", style: thing.connected ? .good : .faint),
            Table.Cell(thing.hasLastSeenTime ? TimeText.milliseconds(thing.lastSeenTime) ?? "" : "never"),
            Table.Cell(attributes(thing).map { "\($0.key)=\($0.value)" }.joined(separator: " ")),
        ]
    }

    static func members(_ thing: Hedgerow_Registry_V1_Thing) -> [(String, JSONValue)] {
        [
            ("name", .text(thing.name)), ("kind", .text(kind(thing))),
            ("type", thing.type.isEmpty ? .null : .text(thing.type)),
            ("group", thing.group.isEmpty ? .null : .text(thing.group)),
            ("connected", .boolean(thing.connected)),
            ("lastSeenTime", thing.hasLastSeenTime ? .text(TimeText.exact(thing.lastSeenTime)) : .null),
            ("createTime", thing.hasCreateTime ? .text(TimeText.exact(thing.createTime)) : .null),
            ("attributes", .object(attributes(thing).map { ($0.key, .text($0.value)) })),
        ]
    }

    static func details(_ thing: Hedgerow_Registry_V1_Thing) -> String {
        var lines = [
            ("name", thing.name), ("kind", kind(thing)), ("type", thing.type.isEmpty ? "none" : thing.type),
            ("group", thing.group.isEmpty ? "none" : thing.group),
            ("connected", thing.connected ? "yes" : "no"),
            ("last seen", thing.hasLastSeenTime ? TimeText.milliseconds(thing.lastSeenTime) ?? "" : "never"),
            ("registered", thing.hasCreateTime ? TimeText.milliseconds(thing.createTime) ?? "" : "-"),
        ]
        lines += attributes(thing).map { ("attribute", "\($0.key)=\($0.value)") }
        return Details.render(lines)
    }

    static func json(_ certificate: Hedgerow_Registry_V1_IssuedCertificate) -> JSONValue {
        .object([
            ("serialNumber", .text(certificate.serialNumber)),
            ("notBeforeTime", .text(TimeText.exact(certificate.notBeforeTime))),
            ("notAfterTime", .text(TimeText.exact(certificate.notAfterTime))),
            ("revokeTime", certificate.hasRevokeTime ? .text(TimeText.exact(certificate.revokeTime)) : .null),
        ])
    }
}

/// Names and values below each other.
enum Details {
    static func render(_ lines: [(String, String)]) -> String {
        let width = lines.map(\.0.count).max() ?? 0
        return lines.map { name, value in
            name + String(repeating: " ", count: width - name.count + 2) + Text.printable(value) + "\n"
        }.joined()
    }
}
