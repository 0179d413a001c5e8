/// How much waits for a process component.
enum InboxLimits {
    /// Most messages in the inbox of an instance; one more becomes a dead letter.
    static let messages = 10_000
    /// Most bytes of the batches in it: 64 MiB.
    static let bytes: Int64 = 64 << 20
    /// Most messages at QoS 0 that wait in memory; one more pushes out the oldest.
    static let transient = 1_000
    /// Most messages of an instance on their way to its program.
    static let inFlight = 1_000
    /// Most bytes of results that wait for that of a message ahead of them: 16 MiB.
    static let unstoredBytes = 16 << 20
    /// So often a message is sent to a program that ends before it has a result, before it becomes a dead letter.
    static let attempts = 3
    /// Most messages that one result publishes.
    static let outputs = 1_000
    /// Most bytes of the reason of a failure.
    static let failureBytes = 1_000
}
