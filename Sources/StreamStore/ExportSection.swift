/// What an export is to take next.
public struct ExportSection: Sendable {
    /// The export as it is on the disk.
    public let state: StreamExportState
    /// Row id of the epoch that the entries are of; 0 where there are none.
    public let epochID: Int64
    /// The last sequence of the epoch that the export has.
    public let acknowledged: UInt64
    /// What comes behind that, in order; empty where nothing does. The first may begin before it, and sequences may be
    /// missing: what is missing is lost to this export.
    public let entries: [StreamEntry]
}
