public import GRDB

/// A database that cannot be used, with what to do about it.
public enum StorageError: Error, Sendable, CustomStringConvertible {
    /// The file is damaged or no database.
    case damaged(path: String, detail: String)
    /// A newer version of Hedgerow wrote the file.
    case newerVersion(path: String)
    /// Commits cannot be made durable.
    case notDurable(path: String, synchronous: Int)
    /// The disk is full.
    case full(path: String)
    /// The file cannot be read or written.
    case inaccessible(path: String, detail: String)
    /// Anything else that SQLite reports.
    case failed(path: String, detail: String)

    /// Sorts SQLite's error into one of the cases.
    public init(_ error: DatabaseError, path: String) {
        let detail = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        self =
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged(path: path, detail: detail)
            case .SQLITE_FULL: .full(path: path)
            // What cannot grow for want of room does not always say so.
            case .SQLITE_IOERR where Self.isDiskFull(at: path): .full(path: path)
            case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
                .inaccessible(path: path, detail: detail)
            default: .failed(path: path, detail: detail)
            }
    }

    private static func isDiskFull(at path: String) -> Bool {
        RawFile.freeBytes(at: path).map { $0 < 1 << 20 } ?? false
    }

    /// One sentence that says what, where and what to do.
    public var description: String {
        switch self {
        case .damaged(let path, let detail):
            "database \(path) is damaged (\(detail)); restore it from a backup or move it away to begin anew"
        case .newerVersion(let path):
            "database \(path) was written by a newer version; run that version, or restore an older backup"
        case .notDurable(let path, let synchronous):
            "database \(path) does not sync its commits (synchronous is \(synchronous), not 2); refusing to run"
        case .full(let path):
            "the disk of \(path) is full; free some space"
        case .inaccessible(let path, let detail):
            "database \(path) cannot be opened (\(detail)); check that its folder exists and may be written"
        case .failed(let path, let detail):
            "database \(path) failed: \(detail)"
        }
    }
}
