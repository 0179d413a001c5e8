import Dispatch

/// Runs work that blocks where it may: on threads of its own, never on those of Swift concurrency.
///
/// For files at start-up and now and then later, not for anything frequent.
public enum BlockingIO {
    private static let queue = DispatchQueue(label: "hedgerow.blocking-io", attributes: .concurrent)

    /// Runs `body` on a thread that may block and returns what it returns.
    ///
    /// Cancelling the calling task does not stop `body`.
    ///
    /// - Throws: what `body` throws.
    public static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}
