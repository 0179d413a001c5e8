import Synchronization

/// How the core and the cloud stand; for logs, health and tests.
public final class AttachmentStatus: Sendable {
    /// One moment's state.
    public struct Snapshot: Hashable, Sendable {
        /// Whether the core is attached now.
        public internal(set) var isAttached = false
        /// How often it was attached since the start.
        public internal(set) var attachments: UInt64 = 0
        /// How often another process with the same identity took over.
        public internal(set) var superseded: UInt64 = 0
        /// Why the last attachment or attempt ended; nil where none did.
        public internal(set) var lastError: String?
        /// How far this machine's clock was ahead of the cloud's when it attached last.
        public internal(set) var clockAhead: Duration?
    }

    private let state = Mutex(Snapshot())

    /// Makes a status: not attached.
    public init() {}

    /// The state now.
    public var snapshot: Snapshot { state.withLock { $0 } }

    func update(_ change: (inout Snapshot) -> Void) {
        state.withLock { change(&$0) }
    }
}
