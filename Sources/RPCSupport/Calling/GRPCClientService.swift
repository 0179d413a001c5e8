public import GRPCCore
public import ServiceLifecycle

/// Keeps a gRPC client's connections as a service: until a graceful shutdown has let its calls end, or it is
/// cancelled.
public struct GRPCClientService<Transport: ClientTransport>: Service {
    /// The client.
    public let client: GRPCClient<Transport>

    /// Wraps a client whose connections were not started.
    public init(_ client: GRPCClient<Transport>) {
        self.client = client
    }

    /// Keeps the connections until shut down.
    ///
    /// - Throws: what the transport throws.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await client.runConnections()
        } onGracefulShutdown: {
            client.beginGracefulShutdown()
        }
    }
}
