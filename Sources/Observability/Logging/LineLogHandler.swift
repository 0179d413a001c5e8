import FoundationEssentials
import Logging

/// Writes each log record as one line.
struct LineLogHandler: LogHandler {
    let label: String
    let format: LogFormat
    let write: @Sendable (String) -> Void
    let now: @Sendable () -> Date
    let repeated: RepeatedRecords?

    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(
        label: String, format: LogFormat, level: Logger.Level,
        metadataProvider: Logger.MetadataProvider? = nil,
        now: @escaping @Sendable () -> Date = { Date() }, repeated: RepeatedRecords? = nil,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.format = format
        self.logLevel = level
        self.metadataProvider = metadataProvider
        self.now = now
        self.repeated = repeated
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all["error"] = "\(error)" }
        var fields = LogRecord.flatten(all)
        let message = event.message.description
        if let repeated {
            guard
                let count = repeated.admit(level: event.level, label: label, message: message, fields: fields)
            else { return }
            if count > 0 { fields.append((key: RepeatedRecords.countKey, value: "\(count)")) }
        }
        let record = LogRecord(
            time: now(), level: event.level, label: label, message: message, fields: fields)
        switch format {
        case .text: write(record.text)
        case .json: write(record.json)
        }
    }
}
