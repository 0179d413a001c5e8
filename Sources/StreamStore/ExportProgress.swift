/// What an export took, to be kept together with its place in the stream.
public struct ExportProgress: Hashable, Sendable {
    /// Row id of the epoch.
    public var epochID: Int64
    /// It has everything up to this sequence of the epoch.
    public var through: UInt64
    /// Messages that it took.
    public var exported: UInt64
    /// Messages that were gone before it took them, or that it cannot take.
    public var lost: UInt64
    /// What else it must remember.
    public var checkpoint: [UInt8]?

    /// Makes a progress.
    public init(
        epochID: Int64, through: UInt64, exported: UInt64 = 0, lost: UInt64 = 0, checkpoint: [UInt8]? = nil
    ) {
        self.epochID = epochID
        self.through = through
        self.exported = exported
        self.lost = lost
        self.checkpoint = checkpoint
    }
}
