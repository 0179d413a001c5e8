public import Logging

/// How the programs log.
public enum ProgramLogging {
    /// The keys that every program of ours has: `log.format` and `log.level`.
    public static let keys = [
        SettingKey(
            name: "log.format", .choice(LogFormat.allCases.map(\.rawValue)), default: LogFormat.text.rawValue,
            summary: "How log records are written to standard error."),
        SettingKey(
            name: "log.level", .choice(Logger.Level.allCases.map(\.rawValue)),
            default: Logger.Level.info.rawValue,
            summary: "Least level of the log records that are written."),
    ]

    /// Makes every logger of the process write to standard error, one line a record, with the trace that it belongs
    /// to as `trace_id` and `span_id`. Warnings and errors that repeat are folded: one for each cause and minute. To
    /// be called once, before any logger is made.
    public static func bootstrap(
        format: LogFormat, level: Logger.Level, metadataProvider: Logger.MetadataProvider? = .traces
    ) {
        let repeated = RepeatedRecords()
        LoggingSystem.bootstrap(
            { label, provider in
                LineLogHandler(
                    label: label, format: format, level: level, metadataProvider: provider,
                    repeated: repeated
                ) { line in
                    LogOutput.standardError.write(line)
                }
            }, metadataProvider: metadataProvider)
    }

    /// The same from ``keys``, and the settings' warnings as the first records.
    ///
    /// - Throws: ``SettingsError`` where the settings do not declare ``keys``.
    public static func bootstrap(_ settings: Settings) throws(SettingsError) {
        // The kinds allow nothing but these.
        let format = LogFormat(rawValue: try settings.text("log.format")) ?? .text
        let level = Logger.Level(rawValue: try settings.text("log.level")) ?? .info
        bootstrap(format: format, level: level)
        let logger = Logger(label: "hedgerow.settings")
        for warning in settings.warnings { logger.warning("\(warning)") }
    }
}
