/// Bounds of how artifacts travel and are written.
public enum ArtifactLimits {
    /// Most bytes of one chunk on the wire: 256 KiB.
    public static let chunkBytes = 256 << 10
    /// After so many bytes an unfinished file is brought to the disk, so that no more is lost with the power: 16 MiB.
    public static let syncBytes: UInt64 = 16 << 20
    /// Where a file is synced beside its coming, a sync begins after so many bytes, and what comes waits for it only at
    /// ``syncBytes``: 8 MiB.
    public static let earlySyncBytes: UInt64 = 8 << 20
    /// Bytes of a digest (SHA-256).
    public static let digestBytes = 32
    /// Most bytes of the name of an artifact.
    public static let nameBytes = 255
}
