public import Logging

/// How many connections a listener has at once, and how long they may take over nothing.
public struct ConnectionLimits: Sendable {
    /// Connections at once, those in their handshake included; a further one is closed as soon as it is
    /// accepted.
    public let maximum: Int
    /// How long the TLS handshake may take; then the connection is closed.
    public let handshake: Duration
    /// How long a connection may be without a call before it is closed; nil for ever.
    public let idle: Duration?
    /// How long nothing may arrive, not even the answer to a ping, before the connection is closed.
    public let silence: Duration
    /// Gets a warning, once a minute, when there are too many connections.
    public let logger: Logger?

    /// Makes limits.
    public init(
        maximum: Int = 4_096, handshake: Duration = .seconds(10), idle: Duration? = nil,
        silence: Duration = .seconds(25), logger: Logger? = nil
    ) {
        self.maximum = maximum
        self.handshake = handshake
        self.idle = idle
        self.silence = silence
        self.logger = logger
    }
}
