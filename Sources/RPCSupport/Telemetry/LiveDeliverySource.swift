import HedgerowAPI
import SwiftProtobuf

/// Live messages at QoS 0: nothing is kept for a subscriber that is away.
public struct LiveDeliverySource: DeliverySource {
    private let hub: LiveHub
    private let listener: LiveListener

    /// Makes a source of a listener that was added to the hub; closing takes it out.
    public init(hub: LiveHub, listener: LiveListener) {
        self.hub = hub
        self.listener = listener
    }

    /// What waits now.
    public func take(limit: Int) async throws -> DeliveryBatch {
        let (records, dropped) = listener.take(limit: limit)
        return DeliveryBatch(
            deliveries: records.map { record in .with { $0.record = record } }, dropped: dropped)
    }

    /// Waits for the next message.
    public func wait() async { await listener.wait() }

    /// Nothing is acknowledged at QoS 0.
    public func acknowledge(_ deliveryIDs: [UInt64]) async throws {}

    /// Only cores have things.
    public func setConnectedThings(_ things: [String]) async throws {}

    /// Takes the listener out of its hub.
    public func close() async { hub.remove(listener) }
}
