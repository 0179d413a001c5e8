public import Logging

/// How many connections a listener has at once, and how long they may take over nothing.
public struct ConnectionLimits: Sendable {
    /// Connections at once, those in their handshake included. A further one takes the place of the one that has been in
    /// its handshake for longest, if that is longer than ``patience``; else it is closed as soon as it is accepted.
    /// Never more than the process may have open files, less some for itself.
    public let maximum: Int
    /// Connections of one identity at once; a further one ends the oldest, which may well be dead. Nil for any number.
    public let perIdentity: Int?
    /// How long the TLS handshake may take; then the connection is closed.
    public let handshake: Duration
    /// How long a connection may be without a call before it is closed; nil for ever.
    public let idle: Duration?
    /// How long nothing may arrive, not even the answer to a ping, before the connection is closed.
    public let silence: Duration
    /// Gets a warning, once a minute, when there are too many connections.
    public let logger: Logger?

    /// How long a connection may be in its handshake before another one may take its place.
    static let patience: Duration = .seconds(2)
    /// So many handshakes at once are a rush: a whole fleet after a power cut. What takes long then is the machine.
    static let rush = 64
    /// How long a handshake may take in a rush. Ending it earlier would waste the work, and all would begin anew.
    static let handshakeInRush: Duration = .seconds(60)
    /// Connections that the system holds until they are accepted.
    static let backlog: Int32 = 1_024

    /// Makes limits.
    public init(
        maximum: Int = 4_096, perIdentity: Int? = nil, handshake: Duration = .seconds(10),
        idle: Duration? = nil,
        silence: Duration = .seconds(25), logger: Logger? = nil
    ) {
        self.maximum = maximum
        self.perIdentity = perIdentity
        self.handshake = handshake
        self.idle = idle
        self.silence = silence
        self.logger = logger
    }
}
