import ArgumentParser
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// A server to dial, from the command line: `PORT`, `SERVER-NAME@PORT`; always on the loopback interface.
struct Peer: ExpressibleByArgument, Sendable {
    let name: String
    let port: Int

    init?(argument: String) {
        let parts = argument.split(separator: "@", omittingEmptySubsequences: false)
        guard let port = Int(parts[parts.count - 1]), (1...65_535).contains(port), parts.count <= 2 else {
            return nil
        }
        self.port = port
        name = parts.count == 2 ? String(parts[0]) : "localhost"
    }

    /// Runs a body with a client that is connected to it.
    ///
    /// - Parameter coalescing: whether writes may wait for each other before they are flushed.
    func withClient<Value: Sendable>(
        _ files: TLSFiles, coalescing: Bool,
        _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Value
    ) async throws -> Value {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: files.client,
            config: .defaults { config in
                config.http2.authority = name
                if !coalescing { config.connection.flushCoalescing = nil }
            })
        return try await withGRPCClient(transport: transport, handleClient: body)
    }

    /// Whether something accepts connections on its port.
    func accepts() -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
