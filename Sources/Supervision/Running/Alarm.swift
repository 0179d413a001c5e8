import Synchronization

/// Whether a moment has passed.
final class Alarm: Sendable {
    private let passed = Atomic(false)

    /// It has.
    var isPast: Bool { passed.load(ordering: .acquiring) }

    /// Now.
    func pass() { passed.store(true, ordering: .releasing) }
}
