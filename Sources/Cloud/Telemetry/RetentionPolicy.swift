/// How much history is kept.
struct RetentionPolicy: Hashable, Sendable {
    /// Oldest store time, before now.
    var maximumAge: Duration
    /// Most bytes of batches.
    var maximumBytes: Int64
}
