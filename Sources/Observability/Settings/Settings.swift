public import Components
public import Configuration
import Identity

/// A program's configuration: flags over environment over file over defaults, checked against a table of keys.
///
/// Every value is checked when it is loaded, so that reads do not fail for what somebody wrote.
public struct Settings: Sendable {
    /// What the names of environment variables begin with.
    public static let environmentPrefix = "HEDGEROW_"
    /// The flag that names the configuration file; `HEDGEROW_CONFIG` in the environment.
    public static let fileFlag = "--config"
    /// The variable that names the configuration file.
    public static let fileVariable = environmentPrefix + "CONFIG"
    /// Most bytes of a configuration file: 1 MiB.
    public static let maximumFileSize = 1 << 20

    /// A value and where it came from.
    public struct Entry: Hashable, Sendable {
        /// Its key.
        public let key: SettingKey
        /// The value; nil where it is unset and has no default.
        public let value: SettingValue?
        /// Where it came from.
        public let origin: SettingOrigin
    }

    /// Every key of the table, in the table's order, with its value.
    public let entries: [Entry]
    /// What is probably a mistake but does not stop the program: environment variables that begin with
    /// `HEDGEROW_`, are near to a key's and mean nothing.
    public let warnings: [String]
    /// The same values for swift-configuration's readers, each layer a provider: flags, environment, file,
    /// defaults.
    public let reader: ConfigReader
    private let indices: [String: Int]

    /// Loads a configuration.
    ///
    /// It reads one small file on the calling thread: call it before anything else runs.
    ///
    /// - Parameters:
    ///   - keys: the table.
    ///   - arguments: the flags, without the program's name and its subcommands.
    ///   - environment: the environment variables; others than `HEDGEROW_*` are not looked at.
    /// - Throws: ``SettingsError`` with everything that is wrong: unknown flags, unknown keys of the file (each
    ///   with what was probably meant), values that do not follow their kind, a file that cannot be read.
    public static func load(
        keys: [SettingKey], arguments: [String], environment: [String: String]
    ) throws(SettingsError) -> Settings {
        try Settings(keys: keys, arguments: arguments, environment: environment)
    }

    private init(
        keys: [SettingKey], arguments: [String], environment: [String: String]
    ) throws(SettingsError) {
        var problems = Self.tableProblems(keys)
        let flags = FlagLayer(arguments: arguments, keys: keys)
        let variables = EnvironmentLayer(environment: environment, keys: keys)
        let path = flags.configurationFile ?? environment[Self.fileVariable].flatMap { $0.isEmpty ? nil : $0 }
        let file = FileLayer(path: path, keys: keys)
        problems += flags.layer.problems + variables.layer.problems + file.layer.problems
        var defaults = SettingLayer()
        for key in keys {
            if let text = key.defaultValue { defaults.set(key, text: text, origin: .defaultValue) }
        }
        problems += defaults.problems
        if !problems.isEmpty { throw SettingsError(problems) }

        let layers = [flags.layer, variables.layer, file.layer, defaults]
        self.entries = keys.map { key in
            let found = layers.lazy.compactMap { $0.values[key.name] }.first
            return Entry(key: key, value: found?.value, origin: found?.origin ?? .unset)
        }
        self.indices = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1.name, $0) })
        self.warnings = variables.warnings
        self.reader = ConfigReader(
            providers: zip(["flags", "environment", "file", "defaults"], layers).map { name, layer in
                InMemoryProvider(name: name, values: layer.content(keys: keys))
            })
    }

    /// Mistakes of the table itself, which are the program's.
    private static func tableProblems(_ keys: [SettingKey]) -> [String] {
        var seen: Set<String> = [fileFlag]
        return keys.filter { !seen.insert($0.flag).inserted }.map {
            "the key \($0.name) is declared twice (\($0.flag)); this is a fault of the program, report it"
        }
    }

    // MARK: Typed reads

    /// The value of a key with its origin.
    ///
    /// - Throws: ``SettingsError`` where the table has no such key.
    public func entry(_ name: String) throws(SettingsError) -> Entry {
        guard let index = indices[name] else {
            throw SettingsError(["the key \(name) is not declared; this is a fault of the program, report it"]
            )
        }
        return entries[index]
    }

    /// The text, path or choice of a key.
    public func text(_ name: String) throws(SettingsError) -> String {
        try required(name) { if case .text(let text) = $0 { text } else { nil } }
    }

    /// The text, path or choice of a key; nil where it is unset.
    public func optionalText(_ name: String) throws(SettingsError) -> String? {
        try entry(name).value == nil ? nil : text(name)
    }

    /// The whole number of a key.
    public func integer(_ name: String) throws(SettingsError) -> Int {
        try required(name) { if case .integer(let number) = $0 { number } else { nil } }
    }

    /// The number of a key.
    public func number(_ name: String) throws(SettingsError) -> Double {
        try required(name) { if case .number(let number) = $0 { number } else { nil } }
    }

    /// The truth value of a key.
    public func boolean(_ name: String) throws(SettingsError) -> Bool {
        try required(name) { if case .boolean(let truth) = $0 { truth } else { nil } }
    }

    /// The span of time of a key.
    public func duration(_ name: String) throws(SettingsError) -> TimeSpan {
        try required(name) { if case .duration(let span) = $0 { span } else { nil } }
    }

    /// The number of bytes of a key.
    public func size(_ name: String) throws(SettingsError) -> ByteSize {
        try required(name) { if case .size(let size) = $0 { size } else { nil } }
    }

    /// The texts of a key; empty where it is unset.
    public func list(_ name: String) throws(SettingsError) -> [String] {
        if try entry(name).value == nil { return [] }
        return try required(name) { if case .list(let texts) = $0 { texts } else { nil } }
    }

    private func required<Value>(
        _ name: String, _ read: (SettingValue) -> Value?
    ) throws(SettingsError) -> Value {
        let entry = try entry(name)
        guard let value = entry.value else {
            throw SettingsError([
                "\(name) is not set; set it with \(entry.key.flag), \(entry.key.environmentVariable) or in the file"
            ])
        }
        guard let typed = read(value) else {
            throw SettingsError([
                "the key \(name) has another type; this is a fault of the program, report it"
            ])
        }
        return typed
    }
}
