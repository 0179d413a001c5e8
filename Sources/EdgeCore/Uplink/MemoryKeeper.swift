import HedgerowAPI
import Logging
import RPCSupport
import ServiceLifecycle

/// Saves the streams in memory when the core ends in an orderly way.
struct MemoryKeeper: Service {
    let parts: TelemetryParts

    func run() async throws {
        try await gracefulShutdown()
        do {
            let table = parts.table
            let saved = try await parts.streams.save(
                limits: { table.limits(of: $0) }, overwrittenReason: LossReason.overwritten.rawValue,
                now: parts.clock.now)
            if saved > 0 {
                parts.logger.notice(
                    "streams in memory were saved; they are sent after the next start",
                    metadata: ["messages.count": "\(saved)"])
            }
        } catch {
            parts.logger.error(
                "streams in memory could not be saved; what they held is lost",
                metadata: ["error.message": "\(error)"])
        }
    }
}
