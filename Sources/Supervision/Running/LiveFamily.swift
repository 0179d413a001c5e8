import Synchronization

/// What runs of a program just now, for those who ask how much it uses.
final class LiveFamily: Sendable {
    private let state = Mutex<ProcessFamily?>(nil)

    /// The present start; nil where nothing runs.
    var family: ProcessFamily? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
