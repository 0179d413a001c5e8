import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// A gRPC server with nothing of Hedgerow around it.
enum BareServer {
    static func make(
        _ files: TLSFiles, window: Int, coalescing: Bool, service: any RegistrableRPCService
    ) -> GRPCServer<HTTP2ServerTransport.Posix> {
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: files.server,
            config: .defaults { config in
                config.http2.targetWindowSize = window
                if !coalescing { config.connection.flushCoalescing = nil }
            })
        return GRPCServer(transport: transport, services: [service])
    }

    /// Serves until the process is ended; prints the port first.
    static func serve(_ server: GRPCServer<HTTP2ServerTransport.Posix>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            if let port = try await server.listeningAddress?.ipv4?.port {
                JSONLine.print(["port": Double(port)])
            }
            try await group.waitForAll()
        }
    }
}
