public import FoundationEssentials
public import Messaging
import RPCSupport

/// How a thing finds its cloud, what it keeps and when it gives up.
public struct ThingConfiguration: Sendable {
    /// Path of the token file from `hedgerow things create`. Needed until the thing is enrolled; afterwards it
    /// may stay or go.
    public var token: String?
    /// Directory of the identity and the last discovery answer, made with mode 0700. Default:
    /// `$XDG_STATE_HOME/hedgerow/things/NAME` (`~/.local/state` where the variable is not set), with the name
    /// from the token file.
    public var state: String?
    /// Publishes straight to the cloud instead of to a core. Default: false.
    public var direct = false
    /// Name of the publisher's stream, `[A-Za-z0-9._-]{1,128}`. One process at a time may use one. Default:
    /// `default`.
    public var stream = "default"
    /// Bounds of what is kept and sent at once.
    public var limits = PublisherLimits()
    /// What `publish` does at the bound. Default: ``OverflowPolicy/wait``.
    public var overflow = OverflowPolicy.wait
    /// How long one address may take to answer before the next one is tried. Default: 5 s.
    public var connectTimeout: Duration = .seconds(5)
    /// How long closing waits for what is not acknowledged yet. Default: 30 s.
    public var flushTimeout: Duration = .seconds(30)
    /// Messages that wait for a command handler, 1 to 10,000. The server sends no more than that. Default: 64.
    public var commandBuffer = 64
    /// The pauses between rounds of attempts. Default: 1 s to 120 s, ×1.6, ±20 %.
    public var backoff = Backoff()
    /// Told what happens; see ``ThingEvent``.
    public var onEvent: @Sendable (ThingEvent) -> Void = { _ in }
    /// Times pauses and time-outs.
    public var clock: any Clock<Duration> = ContinuousClock()
    /// The system's idea of the time of day, for sample times and certificates.
    public var now: @Sendable () -> Date = { Date() }

    /// Makes a configuration.
    ///
    /// - Parameters:
    ///   - token: Path of the token file, nil where the thing is enrolled in `state`.
    ///   - state: State directory, nil for the default.
    public init(token: String? = nil, state: String? = nil) {
        self.token = token
        self.state = state
    }
}
