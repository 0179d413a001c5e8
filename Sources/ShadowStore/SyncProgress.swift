/// How far a core has taken the cloud's changes.
public struct SyncProgress: Hashable, Sendable {
    /// Name of the core.
    public let core: String
    /// Its group, when it synced last.
    public let group: String
    /// Every change up to this number was taken.
    public let takenChange: Int64
}
