/// Writes families of metrics as text.
struct MetricsText {
    private let format: MetricsFormat
    private(set) var text = ""

    init(format: MetricsFormat) { self.format = format }

    /// Begins a family; its series follow.
    mutating func begin(_ name: String, _ kind: MetricKind, help: String) {
        // The older format calls a family like its samples.
        let family = kind == .counter && format == .prometheus ? "\(name)_total" : name
        text += "# HELP \(family) \(Self.escaped(help, quotes: format == .openMetrics))\n"
        text += "# TYPE \(family) \(kind.rawValue)\n"
    }

    /// Writes one sample.
    mutating func add(_ name: String, _ labels: [MetricLabel], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{"
            text += labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }.joined(
                separator: ",")
            text += "}"
        }
        text += " \(Self.number(value))\n"
    }

    /// Ends the text.
    mutating func finish() {
        if format == .openMetrics { text += "# EOF\n" }
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }

    /// A name that the formats allow: other characters become `_`, and one that begins with a digit gets one before.
    static func name(_ text: String, colons: Bool = true) -> String {
        var name = String(
            text.unicodeScalars.map { scalar in
                let isAllowed =
                    scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                    || scalar == "_" || (colons && scalar == ":")
                return isAllowed ? Character(scalar) : "_"
            })
        if name.first.map({ $0.isNumber }) ?? true { name = "_" + name }
        return name
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
