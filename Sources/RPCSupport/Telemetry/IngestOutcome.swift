public import HedgerowAPI

/// What became of a run of items, once it is on the disk.
public struct IngestOutcome: Sendable {
    /// A stream that is full.
    public struct Pause: Sendable {
        /// Why, for programs.
        public let reason: ErrorReason
        /// When to try again.
        public let retryAfter: Duration

        /// Makes a pause.
        public init(reason: ErrorReason, retryAfter: Duration) {
            self.reason = reason
            self.retryAfter = retryAfter
        }
    }

    /// Everything up to here is settled.
    public var acknowledged: UInt64
    /// How safe that is by now.
    public var level: Hedgerow_Telemetry_V1_AcknowledgementLevel = .synced
    /// Messages that can never be accepted.
    public var rejected: [Rejection] = []
    /// Set where items were left over because a target is full.
    public var pause: Pause?
    /// Items that were not dealt with, in order: those from the first that met a full target.
    public var remainder: [IngestItem] = []
    /// An error that ends the session after what came before was acknowledged.
    public var failure: HedgerowError?

    /// Makes an outcome.
    public init(acknowledged: UInt64) { self.acknowledged = acknowledged }
}
