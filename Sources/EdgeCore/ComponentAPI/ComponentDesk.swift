import Foundation
import HedgerowAPI

/// What the calls of programs ask of whoever runs the programs.
protocol ComponentDesk: Sendable {
    /// What an instance runs with, now and after each change; ends when the instance is no longer there.
    func configurations(of instance: String) -> AsyncStream<ComponentSituation>
    /// A program says how it is.
    func reportHealth(of instance: String, isHealthy: Bool, reason: String)
    /// A program asks that an update waits.
    ///
    /// - Returns: until when it does, and whether one does wait.
    /// - Throws: `HedgerowError` where it has waited for too long.
    func deferUpdate(
        of instance: String, by time: Duration, reason: String
    ) throws -> (until: Date, isWaiting: Bool)
    /// The value of a secret; nil where the core has none of that name.
    func secret(_ name: String) async throws -> [UInt8]?
    /// A program had a message for too long.
    func endOverdue(_ instance: String, cause: String)
}
