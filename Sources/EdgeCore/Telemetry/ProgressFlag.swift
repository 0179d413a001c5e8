import Synchronization

/// Whether a connection ever got as far as an answer.
final class ProgressFlag: Sendable {
    private let flag = Mutex(false)

    var isSet: Bool { flag.withLock { $0 } }

    func set() { flag.withLock { $0 = true } }
}
