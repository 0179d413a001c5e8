public import Logging
public import Observability
import RPCSupport
public import ServiceLifecycle
import Synchronization

/// A cloud from its first moment to its last, as its program runs it: prepared where a signal can already end it, and
/// with what a service manager may be told at every moment.
public final class CloudProgram: Service {
    private let configuration: CloudConfiguration
    private let metrics: MetricsRegistry?
    private let logger: Logger
    private let cloud = Mutex<CloudServer?>(nil)
    private let readiness = Announced<Void>()

    /// Makes a program that has not begun.
    ///
    /// - Parameter metrics: Where it tells how it is; nil where nobody wants to know.
    public init(configuration: CloudConfiguration, metrics: MetricsRegistry? = nil, logger: Logger) {
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
    }

    /// Prepares a cloud and runs it until it is told to stop.
    ///
    /// - Throws: what ``CloudServer`` throws.
    public func run() async throws {
        let server: CloudServer
        do {
            server = try await cancelWhenGracefulShutdown { [self] in
                try await CloudServer(configuration: configuration, logger: logger)
            }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            return
        }
        guard !Task.isShuttingDownGracefully else { return }
        cloud.withLock { $0 = server }
        if let metrics { server.tell(metrics) }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { [readiness] in
                guard (try? await server.up.value()) != nil else { return }
                readiness.announce(())
            }
            try await server.run()
            group.cancelAll()
        }
    }

    /// What a service manager is told.
    public var report: ReportedProgram {
        ReportedProgram(
            ready: { [readiness] in try await readiness.value() },
            status: { [self] in
                cloud.withLock { $0 }?.statusText ?? "Opens its state; a large database is checked first."
            },
            // Before it runs there is no engine: that this is called proves what there is.
            proofs: { [self] in cloud.withLock { $0 }?.proofs ?? [] })
    }
}
