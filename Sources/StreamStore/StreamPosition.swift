public import Messaging

/// A place in a stream.
public struct StreamPosition: Hashable, Sendable {
    /// The run of the core's process (or the lane) whose sequence it is.
    public let epoch: Epoch
    /// The sequence, from 1.
    public let sequence: UInt64

    /// Makes a position.
    public init(epoch: Epoch, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }
}
