import Logging
import RPCSupport
import ServiceLifecycle

/// A service that a test starts, ends gracefully or cuts off. It runs inside the harness's task group.
public final class RunningService: Sendable {
    private let group: ServiceGroup
    private let cut = Announced<Void>()
    private let ended = Announced<Result<Void, any Error>>()

    init(_ service: some Service, logger: Logger) {
        group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
    }

    /// Runs the service to its end.
    func run() async {
        let result: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { [group, cut] tasks in
                tasks.addTask { try await group.run() }
                tasks.addTask {
                    try await cut.value()
                    throw CancellationError()
                }
                try await tasks.next()
                tasks.cancelAll()
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        ended.announce(result)
    }

    /// Whether it has ended.
    public var hasEnded: Bool { ended.current != nil }

    /// Asks it to end, and waits until it has.
    ///
    /// - Returns: how long it took.
    /// - Throws: what it ended with.
    @discardableResult
    public func stop() async throws -> Duration {
        let begin = ContinuousClock.now
        await group.triggerGracefulShutdown()
        try await ended.value().get()
        return ContinuousClock.now - begin
    }

    /// Cancels it, which ends everything at once, and waits until it has ended.
    public func cutOff() async throws {
        cut.announce(())
        _ = try await ended.value()
    }
}
