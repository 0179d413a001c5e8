import ServiceLifecycle

/// Ends a service by cancellation when its turn in a graceful shutdown has come.
///
/// For services that know no graceful shutdown of their own and finish their work when they are cancelled.
struct CancelledOnShutdown: Service {
    private let service: any Service

    init(_ service: any Service) {
        self.service = service
    }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await service.run() }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // As asked.
        }
    }
}
