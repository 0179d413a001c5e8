import Synchronization

/// Holds a thread until a test lets it go.
final class Gate: Sendable {
    private let state = Mutex((isReached: false, isOpen: false))

    /// Whether somebody waits, or did.
    var isReached: Bool { state.withLock { $0.isReached } }

    /// Lets go.
    func open() { state.withLock { $0.isOpen = true } }

    /// Waits.
    func waitUntilOpen() {
        state.withLock { $0.isReached = true }
        while !state.withLock({ $0.isOpen }) {}
    }
}
