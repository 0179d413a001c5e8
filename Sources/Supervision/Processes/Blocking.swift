import Dispatch

/// Looks at processes where that may block, one look at a time: with many programs to end at once they share
/// one processor and not all of them.
enum Blocking {
    private static let queue = DispatchQueue(label: "hedgerow.supervision.processes")

    /// Runs what cannot fail, and returns what it returns, whether or not the task is cancelled.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }

    /// Waits, whether or not the task is cancelled.
    static func pause(_ time: Duration) async {
        let bell = Bell()
        bell.alarm(after: time)
        await bell.heard()
    }
}
