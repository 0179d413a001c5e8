import Logging
import PKI
import ServiceLifecycle

/// Writes the last known time to disk, once a minute, so that a machine without a battery clock does not wake up
/// before its certificates (lesson 3).
struct ClockKeeper: Service {
    private let clock: ClockFloor
    private let logger: Logger

    init(clock: ClockFloor, logger: Logger) {
        self.clock = clock
        self.logger = logger
    }

    func run() async throws {
        if let behind = clock.systemClockBehind {
            logger.warning(
                "the system clock is behind the last time known; the later one counts until it is set",
                metadata: ["clock.behind": "\(behind)"])
        }
        try? await cancelWhenGracefulShutdown {
            var lastProblem: String?
            while true {
                try await BlockingIO.run { [clock] in clock.persist() }
                if let problem = clock.problem, problem != lastProblem {
                    logger.warning("the time is not kept", metadata: ["error.message": "\(problem)"])
                }
                lastProblem = clock.problem
                try await Task.sleep(for: .seconds(ClockFloor.writeInterval))
            }
        }
    }
}
