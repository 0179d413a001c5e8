public import GRPCCore
public import ServiceLifecycle

/// Runs a gRPC server as a service: until a graceful shutdown has let its calls end, or it is cancelled.
public struct GRPCServerService<Transport: ServerTransport>: Service {
    /// The server.
    public let server: GRPCServer<Transport>

    /// Wraps a server that was not started.
    public init(_ server: GRPCServer<Transport>) {
        self.server = server
    }

    /// Serves until shut down.
    ///
    /// - Throws: what the transport throws, such as that the port is in use.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await server.serve()
        } onGracefulShutdown: {
            server.beginGracefulShutdown()
        }
    }
}
