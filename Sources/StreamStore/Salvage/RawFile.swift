#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that is read piece by piece, where some pieces may be unreadable.
///
/// Not mapped into memory: a sector that cannot be read would end the process.
final class RawFile {
    /// How long it is.
    let size: Int
    private let descriptor: Int32

    /// Opens a file; nil where that cannot be done.
    init?(path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        size = Int(lseek(descriptor, 0, SEEK_END))
    }

    deinit { close(descriptor) }

    /// Reads a piece; nil where any of it cannot be read. Behind the end of the file are zeros.
    func read(at offset: Int, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let result = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress?.advanced(by: done), count - done, off_t(offset + done))
            }
            if result == 0 { return bytes }
            if result < 0 {
                if errno == EINTR { continue }
                return nil
            }
            done += result
        }
        return bytes
    }

    // MARK: Whole files

    /// Renames a file.
    static func move(_ path: String, to destination: String) -> Bool { rename(path, destination) == 0 }

    /// How long a file is, 0 where there is none. It is not opened: closing any descriptor of a database that is open would
    /// drop SQLite's locks on it, and another program could take its log away
    /// (https://sqlite.org/howtocorrupt.html, section 2.2).
    static func size(of path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Whether there is a file.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Makes an empty file where there is none.
    static func touch(_ path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
    }

    /// Brings a file or a directory to the disk; false where that failed.
    static func sync(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }

    /// Bytes that are free for this user on the file system of a path; nil where nobody says.
    static func freeBytes(at path: String) -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }
}
