import FoundationEssentials

/// Where the export to a directory is, kept in the same row as its place in the stream: so a file never holds a line
/// twice, and never half a one.
struct DirectoryCheckpoint: Hashable, Codable {
    /// The file that is being written.
    struct File: Hashable, Codable {
        /// When it was begun, as in its name.
        var time: String
        /// Its number.
        var number: UInt64
        /// Bytes of it that count; what lies behind them was written and not finished.
        var length: UInt64
        /// When it was begun, microseconds since 1970.
        var began: Int64
    }

    /// The file that is being written; nil between two files.
    var file: File?
    /// Number of the next file.
    var next: UInt64 = 1
    /// Files that were deleted because there were too many.
    var deleted: UInt64 = 0

    init() {}

    /// Reads a stored checkpoint; one that cannot be read begins anew, as there is nothing to go on from.
    init(stored: [UInt8]?) {
        self =
            stored.flatMap { try? JSONDecoder().decode(DirectoryCheckpoint.self, from: Data($0)) } ?? .init()
    }

    /// For the database.
    var encoded: [UInt8] {
        get throws { [UInt8](try JSONEncoder().encode(self)) }
    }

    /// Name of the file that is being written.
    func name(stream: String) -> ExportFileName? {
        file.map { ExportFileName(stream: stream, time: $0.time, number: $0.number) }
    }
}
