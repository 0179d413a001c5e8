public import GRPCCore
public import GRPCNIOTransportHTTP2Posix
public import ServiceLifecycle

/// Runs a gRPC server as a service: until a graceful shutdown has let its calls end, or it is cancelled.
///
/// It can be told to stop at any moment, also before it listens: then it first comes to that, and ends. (A `GRPCServer`
/// that is stopped before it serves never says that it will not: who waits for its address would wait for ever. So
/// nobody else may stop it.)
public struct GRPCServerService<Transport: ListeningServerTransport>: Service {
    /// The server.
    public let server: GRPCServer<Transport>
    private let onShutdown: @Sendable () -> Void

    /// Wraps a server that was not started.
    ///
    /// - Parameter onShutdown: called when the shutdown begins, before calls are told.
    public init(_ server: GRPCServer<Transport>, onShutdown: @escaping @Sendable () -> Void = {}) {
        self.server = server
        self.onShutdown = onShutdown
    }

    /// Serves until shut down.
    ///
    /// - Throws: what the transport throws, such as that the port is in use.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await gracefulShutdown() } catch { return }
                onShutdown()
                // It answers as soon as the server listens, or has failed to.
                _ = try? await server.listeningAddress
                server.beginGracefulShutdown()
            }
            try await server.serve()
            group.cancelAll()
        }
    }
}
