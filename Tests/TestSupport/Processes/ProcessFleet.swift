public import Foundation
import PKI
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A cloud, cores and things as real processes in one directory, for one test.
///
/// Every program listens on loopback at a port that was free when the fleet was made and that it keeps over
/// its restarts. All are killed when ``with(_:)`` ends, however it does; where it throws, the end of every log
/// goes to standard error first.
public final class ProcessFleet: Sendable {
    /// Everything of the fleet is in here.
    public let directory: String

    private let programs: URL
    private let state = Mutex(State())

    private struct State {
        var processes: [FleetProcess] = []
        var ports: [String: Int] = [:]
    }

    private init(directory: String) {
        self.directory = directory
        self.programs =
            Bundle.main.executableURL?.deletingLastPathComponent()
            ?? URL(fileURLWithPath: ".build/debug")
    }

    /// Runs a test with a fleet that has no process yet.
    public static func with<Value: Sendable>(_ body: (ProcessFleet) async throws -> Value) async throws
        -> Value
    {
        try await withTemporaryDirectory { directory in
            let fleet = ProcessFleet(directory: directory)
            do {
                let value = try await body(fleet)
                fleet.killAll()
                return value
            } catch {
                fleet.killAll()
                fleet.showLogs()
                throw error
            }
        }
    }

    /// The same in a directory that the test names and that stays, whatever happens.
    public static func with<Value: Sendable>(
        directory: String, _ body: (ProcessFleet) async throws -> Value
    ) async throws -> Value {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let fleet = ProcessFleet(directory: directory)
        defer { fleet.killAll() }
        return try await body(fleet)
    }

    /// Prints the end of every log, for a test that fails.
    public func showLogs() {
        var shown: Set<String> = []
        for process in state.withLock({ $0.processes }) where shown.insert(process.logPath).inserted {
            FileHandle.standardError.write(
                Data("--- \(process.name): \(process.logPath)\n\(process.logTail())\n".utf8))
        }
    }

    private func killAll() {
        let running = state.withLock { $0.processes }.filter { $0.exit == nil }
        for process in running { process.signal(SIGKILL) }
        // The processes are reaped by Foundation's monitor; the directory must not go before they are gone.
        let deadline = ContinuousClock.now + .seconds(10)
        while running.contains(where: { $0.exit == nil }), ContinuousClock.now < deadline { usleep(5_000) }
    }

    // MARK: Places

    /// The state directory of a member.
    public func statePath(_ member: String) -> String { "\(directory)/\(member)" }
    /// The token file of a member.
    public func tokenPath(_ member: String) -> String { "\(directory)/\(member).token" }
    /// The cloud's state directory.
    public var cloudState: String { statePath("cloud") }

    /// Lets a member's token file say that the cloud is at another port on loopback, such as a bad line's.
    public func redirect(_ member: String, toCloudAt port: Int) throws {
        let file = try TokenFile.read(from: tokenPath(member))
        try TokenFile(
            role: file.role, name: file.name,
            cloud: file.cloud.map { NetworkEndpoint(host: $0.host, port: port) },
            enrollment: file.enrollment, rootCertificate: file.rootCertificate, token: file.token,
            expireTime: file.expireTime, trustDomain: file.trustDomain, cloudServerName: file.cloudServerName
        ).write(to: tokenPath(member))
    }

    /// The port of a member, chosen when it is first asked for.
    ///
    /// Below the range that the system takes ports for outgoing connections from, so that none takes this one
    /// while the member is down.
    public func port(_ member: String) throws -> Int {
        try state.withLock { state in
            if let port = state.ports[member] { return port }
            for _ in 0..<200 {
                let port = Int.random(in: 18_000..<32_000)
                guard !state.ports.values.contains(port), Self.isFree(port) else { continue }
                state.ports[member] = port
                return port
            }
            throw DidNotHappen(description: "no port is free")
        }
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    // MARK: Processes

    /// Starts a program of the package; its log has the given name.
    public func launch(
        _ program: String, name: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> FleetProcess {
        try launch(
            programs.appendingPathComponent(program), name: name, arguments, environment: environment)
    }

    /// Starts any program.
    public func launch(
        _ program: URL, name: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> FleetProcess {
        let process = try FleetProcess(
            name: name, executable: program, arguments: arguments, environment: environment,
            directory: directory,
            logPath: "\(directory)/\(name).log")
        state.withLock { $0.processes.append(process) }
        return process
    }

    /// The last process that was started under a name.
    ///
    /// - Throws: ``DidNotHappen`` where there is none.
    public func process(_ name: String) throws -> FleetProcess {
        guard let process = state.withLock({ $0.processes.last { $0.name == name } }) else {
            throw DidNotHappen(description: "\(name) was never started")
        }
        return process
    }

    /// Starts the cloud and waits until it is up.
    @discardableResult
    public func startCloud(
        waits: Bool = true, _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> FleetProcess {
        try removePorts("cloud")
        let process = try launch(
            "hedgerow-cloud", name: "cloud",
            [
                "serve", "--state", cloudState, "--listen-host", "127.0.0.1", "--listen-port",
                "\(try port("cloud"))",
                "--enrollment-host", "127.0.0.1", "--enrollment-port", "\(try port("cloud enrollment"))",
                "--advertise", "127.0.0.1",
            ] + arguments, environment: environment)
        if waits { try await waitForPorts("cloud", process) }
        return process
    }

    /// Starts a core, which enrols with its token file where that is new, and waits until it serves. Before the
    /// first deployment it does not serve, so that there is nothing to wait for.
    @discardableResult
    public func startCore(
        _ name: String, waits: Bool = true, _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> FleetProcess {
        try removePorts(name)
        let process = try launch(
            "hedgerow-core", name: name,
            [
                "run", "--state", statePath(name), "--token", tokenPath(name), "--listen-host", "127.0.0.1",
                "--listen-port", "\(try port(name))",
            ] + arguments, environment: environment)
        if waits { try await waitForPorts(name, process) }
        return process
    }

    private func removePorts(_ member: String) throws {
        try? FileManager.default.removeItem(atPath: statePath(member) + "/ports.json")
    }

    /// Waits until a member says where it listens.
    public func waitForPorts(_ member: String, _ process: FleetProcess) async throws {
        let path = statePath(member) + "/ports.json"
        try await eventually("\(member) listens", within: .seconds(60)) {
            if let exit = process.exit {
                throw DidNotHappen(
                    description: "\(member) ended (\(exit)) instead of listening: \(process.logTail())")
            }
            return FileManager.default.fileExists(atPath: path)
        }
    }
}
