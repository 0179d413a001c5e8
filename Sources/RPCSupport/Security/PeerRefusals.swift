public import Logging
public import Observability
public import PKI
import Synchronization

/// Where refused certificates are noted: the last one is kept, and each cause is logged once a minute.
public final class PeerRefusals: Sendable {
    private let logger: Logger?
    private let side: String
    private let limiter: OncePerMinute
    private let state = Mutex<(last: PeerRefusal?, count: UInt64)>((nil, 0))

    /// Makes a place for refusals.
    ///
    /// - Parameters:
    ///   - side: what refuses, for the log: `telemetry listener`, `uplink`.
    ///   - logger: gets a warning for each cause, once a minute; nil for none.
    public init(side: String, logger: Logger?, limiter: OncePerMinute = OncePerMinute()) {
        self.side = side
        self.logger = logger
        self.limiter = limiter
    }

    /// The last refusal, until ``reset()``.
    public var last: PeerRefusal? { state.withLock { $0.last } }

    /// How many there were.
    public var count: UInt64 { state.withLock { $0.count } }

    /// Forgets the last refusal; before the next attempt to connect.
    public func reset() { state.withLock { $0.last = nil } }

    /// Notes a refusal.
    public func note(_ refusal: PeerRefusal) {
        state.withLock {
            $0.last = refusal
            $0.count += 1
        }
        guard let logger, let suppressed = limiter.admit(refusal.cause) else { return }
        logger.warning(
            "refused a peer's certificate: \(refusal)",
            metadata: [
                "cause": "\(refusal.cause)", "at": "\(side)", "left-out-before": "\(suppressed)",
            ])
    }
}
