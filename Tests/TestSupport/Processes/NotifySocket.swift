import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A service manager's end of `NOTIFY_SOCKET`: keeps what programs say, in its order.
public final class NotifySocket: Sendable {
    /// What the variable `NOTIFY_SOCKET` is to be.
    public let address: String

    private let descriptor: Int32
    private let said = Mutex<[String]>([])

    /// Listens.
    ///
    /// - Parameter address: the path of a socket that does not exist yet, or `@` and a name.
    public init(_ address: String) throws {
        self.address = address
        #if canImport(Glibc)
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        #else
            descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
        #endif
        var bytes = Array(address.utf8)
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        guard descriptor >= 0, bytes.count < MemoryLayout.size(ofValue: name.sun_path) else {
            throw DidNotHappen(description: "no socket for \(address)")
        }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t((MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2) + bytes.count)
        let result = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard result == 0 else { throw DidNotHappen(description: "\(address) cannot be bound: \(errno)") }
    }

    deinit { close(descriptor) }

    /// Every line that was said so far, oldest first. Ask often: the kernel keeps few datagrams.
    public var lines: [String] {
        said.withLock { lines in
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while case let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)), count > 0 {
                lines += String(decoding: buffer.prefix(count), as: UTF8.self)
                    .split(separator: "\n").map(String.init)
            }
            return lines
        }
    }

    /// The lines after the first `count` ones.
    public func lines(after count: Int) -> [String] { Array(lines.dropFirst(count)) }
}
