/// Reads the variables behind ``TracingSettings``.
struct TracingSettingsReader {
    let environment: [String: String]
    private(set) var warnings: [String] = []

    init(environment: [String: String]) { self.environment = environment }

    mutating func read(into settings: inout TracingSettings, service: String) {
        settings.resource = resource(service: service)
        readBatching(into: &settings)
        readSampling(into: &settings)
        readExporter(into: &settings)
        settings.isEnabled = isEnabled()
    }

    // MARK: Whether

    private mutating func isEnabled() -> Bool {
        if flag("OTEL_SDK_DISABLED") { return false }
        switch environment["OTEL_TRACES_EXPORTER"] {
        case "none"?: return false
        case "otlp"?: return true
        case let other?:
            warn(
                "OTEL_TRACES_EXPORTER", other, "only \"otlp\" and \"none\" are known; traces are not exported"
            )
            return false
        case nil:
            return exporter("ENDPOINT") != nil
        }
    }

    // MARK: Who

    private mutating func resource(service: String) -> [String: String] {
        var attributes = pairs("OTEL_RESOURCE_ATTRIBUTES")
        attributes["service.name"] = environment["OTEL_SERVICE_NAME"] ?? attributes["service.name"] ?? service
        return attributes
    }

    // MARK: Batching and sampling

    private mutating func readBatching(into settings: inout TracingSettings) {
        settings.scheduleDelay = milliseconds("OTEL_BSP_SCHEDULE_DELAY") ?? settings.scheduleDelay
        settings.exportTimeout = milliseconds("OTEL_BSP_EXPORT_TIMEOUT") ?? settings.exportTimeout
        settings.maximumQueueSize =
            number("OTEL_BSP_MAX_QUEUE_SIZE", 1...1_000_000) ?? settings.maximumQueueSize
        let most = min(settings.maximumQueueSize, 10_000)
        settings.maximumBatchSize =
            number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1...most) ?? min(settings.maximumBatchSize, most)
    }

    private mutating func readSampling(into settings: inout TracingSettings) {
        if let propagators = environment["OTEL_PROPAGATORS"] {
            settings.propagates = Self.list(propagators).contains("tracecontext")
        }
        guard let name = environment["OTEL_TRACES_SAMPLER"] else { return }
        var ratio: Double?
        if let text = environment["OTEL_TRACES_SAMPLER_ARG"], name.hasSuffix("traceidratio") {
            ratio = Double(text).flatMap { (0...1).contains($0) ? $0 : nil }
            if ratio == nil { warn("OTEL_TRACES_SAMPLER_ARG", text, "it is a number from 0 to 1; 1 is used") }
        }
        if let sampler = TraceSampler(name: name, ratio: ratio) {
            settings.sampler = sampler
        } else {
            warn("OTEL_TRACES_SAMPLER", name, "there is no such sampler; parentbased_always_on is used")
        }
    }

    // MARK: The exporter

    /// A variable of the OTLP exporter: the one for traces, or the one for all signals.
    private func exporter(_ name: String) -> (variable: String, value: String)? {
        for variable in ["OTEL_EXPORTER_OTLP_TRACES_\(name)", "OTEL_EXPORTER_OTLP_\(name)"] {
            if let value = environment[variable] { return (variable, value) }
        }
        return nil
    }

    private mutating func readExporter(into settings: inout TracingSettings) {
        if let (variable, text) = exporter("PROTOCOL"), text != "grpc" {
            warn(variable, text, "only \"grpc\" is known, and is used")
        }
        if let (variable, text) = exporter("ENDPOINT") {
            if let endpoint = endpoint(text) {
                settings.endpoint = endpoint
            } else {
                warnings.append(
                    "\(variable): it is an address such as http://localhost:4317, which is used, without a password"
                )
            }
        }
        if let (variable, _) = exporter("HEADERS") {
            settings.headers = pairs(variable).sorted { $0.key < $1.key }.map {
                ($0.key.lowercased(), $0.value)
            }
        }
        if let (variable, _) = exporter("TIMEOUT") {
            settings.timeout = milliseconds(variable) ?? settings.timeout
        }
        if let (variable, text) = exporter("COMPRESSION") {
            settings.compresses = text == "gzip"
            if text != "gzip", text != "none" {
                warn(variable, text, "it is \"gzip\" or \"none\", which is used")
            }
        }
        settings.certificatePath = exporter("CERTIFICATE")?.value
        settings.clientCertificatePath = exporter("CLIENT_CERTIFICATE")?.value
        settings.clientKeyPath = exporter("CLIENT_KEY")?.value
    }

    /// `http://HOST[:PORT]`, `https://…`, or `HOST[:PORT]`, for which `…_INSECURE` decides; a path says nothing in gRPC.
    private mutating func endpoint(_ text: String) -> TracingSettings.Endpoint? {
        var rest = Substring(text)
        var isSecure = !(exporter("INSECURE").map { flag($0.variable) } ?? false)
        if let scheme = rest.firstRange(of: "://") {
            switch rest[..<scheme.lowerBound].lowercased() {
            case "http": isSecure = false
            case "https": isSecure = true
            default: return nil
            }
            rest = rest[scheme.upperBound...]
        }
        rest = rest.prefix { $0 != "/" }
        var host = rest
        var port: Int? = 4_317
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<end]
            let behind = rest[rest.index(after: end)...]
            if !behind.isEmpty { port = behind.first == ":" ? Int(behind.dropFirst()) : nil }
        } else if let colon = rest.lastIndex(of: ":") {
            host = rest[..<colon]
            port = Int(rest[rest.index(after: colon)...])
        }
        // Names and passwords have no place in it: it is logged.
        guard let port, (1...65_535).contains(port), !host.isEmpty,
            !host.contains(where: { " @".contains($0) })
        else { return nil }
        return .init(host: String(host), port: port, isSecure: isSecure)
    }

    // MARK: Kinds of values

    private mutating func warn(_ variable: String, _ value: String, _ problem: String) {
        warnings.append("\(variable)=\"\(value)\": \(problem)")
    }

    private func flag(_ variable: String) -> Bool { environment[variable]?.lowercased() == "true" }

    private mutating func milliseconds(_ variable: String) -> Duration? {
        number(variable, 1...86_400_000).map { .milliseconds($0) }
    }

    private mutating func number(_ variable: String, _ range: ClosedRange<Int>) -> Int? {
        guard let text = environment[variable] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            warn(
                variable, text,
                "it is a whole number from \(range.lowerBound) to \(range.upperBound); the default is used")
            return nil
        }
        return number
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { trimmed($0) }
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    /// `name=value,name=value`, values percent-encoded (W3C Baggage).
    private mutating func pairs(_ variable: String) -> [String: String] {
        guard let text = environment[variable] else { return [:] }
        var result: [String: String] = [:]
        for item in text.split(separator: ",") {
            guard let equals = item.firstIndex(of: "=") else {
                // The value may be a secret: it is not repeated.
                warnings.append("\(variable): an entry is no name=value and is left out")
                continue
            }
            let name = Self.trimmed(item[..<equals])
            let raw = Self.trimmed(item[item.index(after: equals)...])
            guard !name.isEmpty, let value = Self.percentDecoded(raw) else {
                warnings.append(
                    "\(variable): an entry has no name or is wrongly percent-encoded and is left out")
                continue
            }
            result[name] = value
        }
        return result
    }

    private static func percentDecoded(_ text: String) -> String? {
        guard text.contains("%") else { return text }
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let digits = String(rest.prefix(2)), let value = UInt8(digits, radix: 16)
            else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
