/// How log records are written.
public enum LogFormat: String, CaseIterable, Hashable, Sendable {
    /// For people: `2026-05-04T12:30:00.125Z info  hedgerow.cloud: message key=value`.
    case text
    /// For machines: one JSON object a line with `time`, `level`, `logger`, `message`, and the metadata's keys.
    case json
}
