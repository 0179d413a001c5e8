/// What became of a core's document in the cloud.
public enum ShadowWriteOutcome: Sendable {
    /// It is part of the transaction; the shadow has that version and number of its newest change.
    case accepted(version: UInt64, change: Int64)
    /// The cloud has something else, or (nil) nothing, not even a tombstone; nothing was written.
    case refused(SyncedShadow?)
    /// It can never be written; why, for people.
    case problem(String)
}
