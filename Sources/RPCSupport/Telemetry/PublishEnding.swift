import Synchronization

/// How a publish stream ended: what was recorded first counts, since the rest follows from it.
final class PublishEnding: Sendable {
    private let first = Mutex<Result<Void, any Error>?>(nil)

    func record(_ outcome: Result<Void, any Error>) {
        first.withLock { $0 = $0 ?? outcome }
    }

    /// Returns where the stream was served to its end, and throws what ended it otherwise.
    func get() throws {
        try first.withLock { $0 }?.get()
    }
}
