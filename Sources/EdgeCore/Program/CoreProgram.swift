public import Logging
public import Observability
import RPCSupport
public import ServiceLifecycle
import Synchronization

/// A core from its first moment to its last, as its program runs it: prepared where a signal can already end it, and
/// with what a service manager may be told at every moment.
///
/// ``CoreServer`` alone cannot be asked to stop, nor say anything, while the first start waits for the cloud.
public final class CoreProgram: Service {
    private enum Phase: Sendable {
        case opening
        case enrolling(reason: String)
        case running(CoreServer)
    }

    private let configuration: CoreConfiguration
    private let metrics: MetricsRegistry?
    private let onNews: (@Sendable (ProgramNews) -> Void)?
    private let logger: Logger
    private let phase = Mutex(Phase.opening)
    private let readiness = Announced<Void>()

    /// Makes a program that has not begun.
    ///
    /// - Parameters:
    ///   - metrics: Where it tells how it is; nil where nobody wants to know.
    ///   - onNews: told what programs write and how they stand; called on threads of the programs' logs, which wait.
    public init(
        configuration: CoreConfiguration, metrics: MetricsRegistry? = nil,
        onNews: (@Sendable (ProgramNews) -> Void)? = nil, logger: Logger
    ) {
        self.configuration = configuration
        self.metrics = metrics
        self.onNews = onNews
        self.logger = logger
    }

    /// The core's name; nil before it has one.
    public var name: String? {
        guard case .running(let core) = phase.withLock({ $0 }) else { return nil }
        return core.name
    }

    /// Prepares a core and runs it until it is told to stop.
    ///
    /// - Throws: what ``CoreServer`` throws.
    public func run() async throws {
        let core: CoreServer
        do {
            core = try await cancelWhenGracefulShutdown { [self] in
                try await CoreServer(
                    configuration: configuration, logger: logger,
                    onUnreachable: { reason in
                        phase.withLock { $0 = .enrolling(reason: reason.description) }
                        // The line may be down for weeks: that is no reason for a service manager to give up, nor
                        // to keep what comes after this program waiting (lesson 4).
                        readiness.announce(())
                    }, telemetry: { [onNews] in try await CoreServer.makeTelemetry($0, onNews: onNews) })
            }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            return
        }
        phase.withLock { $0 = .running(core) }
        if let metrics { core.tell(metrics) }
        logger.info(
            "core starts", metadata: ["core.name": "\(core.name)", "version": "\(CoreVersion.current)"])
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { [readiness] in
                guard (try? await core.working()) != nil else { return }
                readiness.announce(())
            }
            try await core.run()
            group.cancelAll()
        }
    }

    /// What a service manager is told.
    public var report: ReportedProgram {
        ReportedProgram(
            ready: { [readiness] in try await readiness.value() },
            status: { [self] in
                switch phase.withLock({ $0 }) {
                case .opening: "Opens its state."
                case .enrolling(let reason): "Waits for the cloud to enrol: \(reason)."
                case .running(let core): core.statusText
                }
            },
            proofs: { [self] in
                // Before it runs there is no engine: that this is called proves what there is.
                guard case .running(let core) = phase.withLock({ $0 }) else { return [] }
                return core.proofs
            })
    }
}
