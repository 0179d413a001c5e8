import Logging

/// Loggers for tests.
enum CoreHarnessLogger {
    /// Says nothing.
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
