import GRPCCore
import HedgerowAPI

/// When a call must be over, as its caller says (`grpc-timeout`).
///
/// The library ends a call at its deadline as it ends one at a shutdown: by its cancellation, which has no reason. What
/// the handler throws then says that the server ends, and may reach the caller before its own clock has rung. So the
/// deadline is looked at again where errors are made.
struct CallDeadline: Sendable {
    /// The library counts from a moment before this does.
    private static let tolerance: Duration = .milliseconds(250)

    private let instant: ContinuousClock.Instant

    /// Reads it; nil where the caller waits for ever.
    init?(_ metadata: Metadata, now: ContinuousClock.Instant = .now) {
        guard let text = metadata[stringValues: "grpc-timeout"].first(where: { _ in true }),
            let timeout = Self.duration(text)
        else { return nil }
        instant = now + timeout
    }

    /// Whether an error that says that the server ends is the deadline's.
    func explains(_ error: any Error, now: ContinuousClock.Instant = .now) -> Bool {
        guard let error = error as? HedgerowError, error.reason == .shuttingDown else { return false }
        return now >= instant - Self.tolerance
    }

    /// DEADLINE_EXCEEDED, without a reason: it is the caller's own.
    static let exceeded = RPCError(code: .deadlineExceeded, message: "the call's deadline has passed")

    /// One to eight digits and a unit.
    static func duration(_ text: String) -> Duration? {
        guard let unit = text.last, (2...9).contains(text.utf8.count), let count = Int64(text.dropLast()),
            count >= 0
        else { return nil }
        switch unit {
        case "H": return .seconds(count * 3_600)
        case "M": return .seconds(count * 60)
        case "S": return .seconds(count)
        case "m": return .milliseconds(count)
        case "u": return .microseconds(count)
        case "n": return .nanoseconds(count)
        default: return nil
        }
    }
}
