import Synchronization

/// Something that happened, once and for all.
public final class Flag: Sendable {
    private let flag = Mutex(false)

    public init() {}

    public var isSet: Bool { flag.withLock { $0 } }

    public func set() { flag.withLock { $0 = true } }
}
