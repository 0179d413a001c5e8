import Logging
import ServiceLifecycle

/// Lets history end that is too old or too much, a while after every start and then every ten minutes.
struct RetentionService: Service {
    static let interval = Duration.seconds(600)

    let store: any TelemetryStore
    let policy: RetentionPolicy
    let clock: any Clock<Duration>
    let logger: Logger

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                do {
                    let count = try await store.enforceRetention(policy)
                    if count > 0 {
                        logger.info("old history deleted", metadata: ["messages.count": "\(count)"])
                    }
                } catch {
                    logger.error("old history could not be deleted", metadata: ["error.message": "\(error)"])
                }
                try await clock.sleep(for: Self.interval)
            }
        }
    }
}
