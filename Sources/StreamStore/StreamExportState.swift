/// An export of a stream, as it is kept on the disk.
public struct StreamExportState: Hashable, Sendable {
    /// Name of the stream.
    public let stream: String
    /// Name of the export, unique in the stream; ``DurableStreams/cloudExport`` for the cloud.
    public let name: String
    /// Where it goes, in the words of whoever declared it; empty for the cloud.
    public let target: [UInt8]
    /// Whether it was told to wait.
    public let isPaused: Bool
    /// When it last took something, microseconds since 1970; nil where it never did, and for the cloud.
    public let lastTime: Int64?
    /// Why it failed the last time; nil where it works.
    public let lastError: String?
    /// When it failed the last time, microseconds since 1970.
    public let errorTime: Int64?
    /// Messages that it took; not counted for the cloud.
    public let exported: UInt64
    /// Messages that were gone before it took them, or that it cannot take; not counted for the cloud.
    public let lost: UInt64
    /// What else the export must remember together with its place in the stream.
    public let checkpoint: [UInt8]?
}
