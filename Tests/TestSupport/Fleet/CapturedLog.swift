public import Logging
import Synchronization

/// What programs of a test logged, for tests that assert what people are told.
public final class CapturedLog: Sendable {
    /// Most lines kept; the oldest fall out.
    public static let maximumLines = 10_000

    private let lines = Mutex<[String]>([])

    /// Makes an empty log.
    public init() {}

    /// Everything so far: level, message, metadata in one line each.
    public var text: [String] { lines.withLock { $0 } }

    /// Whether a line has all of these in it.
    public func contains(_ parts: String...) -> Bool {
        lines.withLock { lines in lines.contains { line in parts.allSatisfy { line.contains($0) } } }
    }

    /// A logger that writes here.
    public func logger(_ label: String, level: Logger.Level = .debug) -> Logger {
        Logger(label: label) { label in Handler(log: self, label: label, logLevel: level) }
    }

    fileprivate func add(_ line: String) {
        lines.withLock { lines in
            lines.append(line)
            if lines.count > Self.maximumLines { lines.removeFirst(Self.maximumLines / 10) }
        }
    }

    private struct Handler: LogHandler {
        let log: CapturedLog
        let label: String
        var logLevel: Logger.Level
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
            let fields = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            log.add("\(label) \(event.level) \(event.message) \(fields)")
        }
    }
}
