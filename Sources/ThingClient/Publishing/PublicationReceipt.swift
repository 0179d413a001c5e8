/// What `publish` gave a message: its place in this process's history.
public struct PublicationReceipt: Hashable, Sendable {
    /// Epoch of the process, 16 random bytes in lower-case hexadecimal.
    public let epoch: String
    /// The sequence, 0 for QoS 0.
    public let sequence: UInt64
}
