public import Transforms

/// What a component may reach of its core. Nothing unless its recipe names it.
public struct ComponentAccess: Hashable, Sendable {
    /// What it may ask the core for. A transform asks in expressions; a process reads what ``readPaths`` has.
    public var host: HostAccess
    /// What it may do with shadows; nil for nothing. A transform has it for those of the thing of its message, a process
    /// for those that its instance names (``ComponentInstance/shadows``).
    public var shadows: ShadowAccess?
    /// Absolute paths that a process may read, besides the system's own; at most 32.
    public var read: [String]
    /// Absolute paths that a process may read and write; at most 32.
    public var write: [String]
    /// Devices that a process may use, paths below `/dev`; at most 32.
    public var devices: [String]
    /// Whether a process may use the network.
    public var network: Bool

    /// Most paths of each list.
    public static let maximumPaths = 32
    /// Most bytes of a path.
    public static let maximumPathBytes = 1_024

    /// Makes an access; nothing where nothing is said.
    public init(
        host: HostAccess = [], shadows: ShadowAccess? = nil, read: [String] = [], write: [String] = [],
        devices: [String] = [], network: Bool = false
    ) {
        self.host = host
        self.shadows = shadows
        self.read = read
        self.write = write
        self.devices = devices
        self.network = network
    }

    /// Whether it has nothing.
    public var isEmpty: Bool { self == ComponentAccess() }

    /// ``read``, and the paths in which a process finds what ``host`` grants (Linux), each once.
    public var readPaths: [String] {
        var paths = read
        if host.contains(.cpuTemperature) {
            // The zones in the first are links into the second.
            for path in ["/sys/class/thermal", "/sys/devices/virtual/thermal"] where !paths.contains(path) {
                paths.append(path)
            }
        }
        return paths
    }

    /// In words, for people: `cpu_temperature, read /srv/data, network`; empty where there is nothing.
    public var names: [String] {
        host.names + (shadows.map { ["\($0.rawValue) shadows"] } ?? []) + read.map { "read \($0)" }
            + write.map { "write \($0)" }
            + devices.map { "device \($0)" } + (network ? ["network"] : [])
    }
}
