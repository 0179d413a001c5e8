#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The service manager that started this program, where it wants to hear from it: systemd with `Type=notify`, or
/// anything else that sets the environment variable `NOTIFY_SOCKET`.
///
/// The protocol of sd_notify(3) is one datagram of lines `KEY=VALUE` to a Unix socket, which is written here, so
/// that no library is needed. The socket is a file, or a name in the kernel's abstract namespace where the variable
/// begins with `@`. Sending never waits and never fails the program: a manager that does not listen misses it.
public struct ServiceManager: Sendable {
    /// How long the manager waits for a sign of life before it restarts the program; nil where it does not.
    public let watchdog: Duration?

    private let address: [UInt8]?

    /// Reads what the manager said to this process.
    ///
    /// - Parameters:
    ///   - environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; others do not matter.
    ///   - processID: whose `WATCHDOG_PID` counts; this process where it is nil.
    public init(environment: [String: String], processID: Int32? = nil) {
        address = environment["NOTIFY_SOCKET"].flatMap(Self.address(of:))
        watchdog =
            address == nil ? nil : Self.watchdog(environment: environment, processID: processID ?? getpid())
    }

    /// Whether there is a manager to tell anything.
    public var isListening: Bool { address != nil }

    /// Tells the manager, in one datagram.
    ///
    /// - Returns: whether the manager's socket took it.
    @discardableResult
    public func notify(_ notifications: ServiceNotification...) -> Bool {
        guard let address else { return false }
        let message = Array(notifications.map(\.line).joined(separator: "\n").utf8)
        #if canImport(Glibc)
            let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        #elseif canImport(Musl)
            let descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
        #endif
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var socketAddress = sockaddr_un()
        socketAddress.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &socketAddress.sun_path) { $0.copyBytes(from: address) }
        let length = socklen_t((MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2) + address.count)
        let sent = withUnsafePointer(to: &socketAddress) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // Without waiting: a manager whose queue is full gets the next one.
                sendto(descriptor, message, message.count, Int32(MSG_DONTWAIT), $0, length)
            }
        }
        return sent == message.count
    }

    /// The bytes of `sun_path`; nil where the variable names no Unix socket or one that is too long.
    static func address(of text: String) -> [UInt8]? {
        var bytes = Array(text.utf8)
        guard bytes.count >= 2, bytes.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else {
            return nil
        }
        switch bytes[0] {
        case UInt8(ascii: "/"): return bytes
        case UInt8(ascii: "@"):
            bytes[0] = 0
            return bytes
        default: return nil
        }
    }

    /// The time that the manager gives this process; nil where it asks for none, or asks another process.
    static func watchdog(environment: [String: String], processID: Int32) -> Duration? {
        guard let text = environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 0 else {
            return nil
        }
        if let other = environment["WATCHDOG_PID"], Int32(other) != processID { return nil }
        return .microseconds(microseconds)
    }
}
