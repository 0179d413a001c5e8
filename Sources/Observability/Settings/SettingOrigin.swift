/// Where a value came from.
public enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    /// A flag on the command line.
    case flag(String)
    /// An environment variable.
    case environment(String)
    /// A line of the configuration file.
    case file(String, line: Int)
    /// Nobody set it; the table's default.
    case defaultValue
    /// Nobody set it and there is no default.
    case unset

    /// For people: `flag --listen-port`, `environment HEDGEROW_LISTEN_PORT`, `cloud.yaml:3`, `default`, `unset`.
    public var description: String {
        switch self {
        case .flag(let name): "flag \(name)"
        case .environment(let name): "environment \(name)"
        case .file(let path, let line): "\(path):\(line)"
        case .defaultValue: "default"
        case .unset: "unset"
        }
    }

    /// For programs: `flag`, `environment`, `file`, `default`, `unset`.
    var kind: String {
        switch self {
        case .flag: "flag"
        case .environment: "environment"
        case .file: "file"
        case .defaultValue: "default"
        case .unset: "unset"
        }
    }
}
