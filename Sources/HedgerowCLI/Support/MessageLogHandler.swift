import Logging

/// Says on standard error what a library logs as notice or worse, a line each: people read it.
struct MessageLogHandler: LogHandler {
    let write: @Sendable (String) -> Void
    var logLevel = Logger.Level.notice
    var metadata: Logger.Metadata = [:]

    init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        let text = event.message.description
        write(facts.isEmpty ? "\(text)." : "\(text) (\(facts.joined(separator: ", "))).")
    }
}
