public import HedgerowAPI

/// Messages for one subscriber on its way out.
public protocol DeliverySource: Sendable {
    /// What can be sent now, at most so many messages; empty where nothing waits.
    func take(limit: Int) async throws -> DeliveryBatch
    /// Returns when something may wait, or the task is cancelled.
    func wait() async
    /// The subscriber is done with these.
    func acknowledge(_ deliveryIDs: [UInt64]) async throws
    /// Cores only: the things that are connected there.
    func setConnectedThings(_ things: [String]) async throws
    /// The subscriber is gone.
    func close() async
}

/// Some messages for a subscriber.
public struct DeliveryBatch: Sendable {
    /// The messages.
    public var deliveries: [Hedgerow_Telemetry_V1_Delivery]
    /// How many it missed since the last time.
    public var dropped: UInt64

    /// Makes a batch.
    public init(deliveries: [Hedgerow_Telemetry_V1_Delivery] = [], dropped: UInt64 = 0) {
        self.deliveries = deliveries
        self.dropped = dropped
    }
}
