/// What a program in a sandbox may reach beside the system's programs and its own directories. Paths are
/// absolute; what is not there when the program starts is left out, and the log says so.
public struct SandboxGrants: Hashable, Sendable {
    /// Files in its own directories that it may read and not change, absolute paths.
    public var fixed: [String] = []
    /// Paths that it may read.
    public var read: [String]
    /// Paths that it may read and write, as far as their permissions let its user.
    public var write: [String]
    /// Device files that it may use. It gets the groups that own them.
    public var devices: [String]
    /// Unix domain sockets that it may connect to; the core's own, for example.
    public var sockets: [String]
    /// Whether it has the machine's network.
    public var network: Bool

    /// Makes grants; none by default.
    public init(
        read: [String] = [], write: [String] = [], devices: [String] = [], sockets: [String] = [],
        network: Bool = false
    ) {
        self.read = read
        self.write = write
        self.devices = devices
        self.sockets = sockets
        self.network = network
    }

    /// Every path.
    var all: [String] { read + write + devices + sockets }
}
