import Foundation
public import Messaging

/// Whose sequence numbers: the key under which "exactly once" is kept.
public struct OriginKey: Hashable, Sendable {
    /// Name of the first publisher.
    public let thing: String
    /// The run of its process.
    public let epoch: Epoch
    /// The output that derived the messages (``DerivedOutput/key``), empty for the thing's own.
    public let component: String

    /// Makes a key.
    public init(thing: String, epoch: Epoch, component: String = "") {
        self.thing = thing
        self.epoch = epoch
        self.component = component
    }
}
