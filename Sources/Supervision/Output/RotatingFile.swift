import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A log file and one older one, which together never exceed a quota. Everything here blocks.
///
/// Not durable: a log that has to be on the disk at each line would wear the disk.
struct RotatingFile: ~Copyable {
    /// The file; the older one is beside it, with `.1` behind its name.
    let path: String
    /// Most bytes of each of the two.
    let maximum: Int
    /// The system's number of the last error; 0 while all goes well.
    private(set) var failure: Int32 = 0
    private var descriptor: Int32 = -1
    private var size = 0

    init(path: String, quota: Int) {
        self.path = path
        maximum = max(quota / 2, 1)
    }

    deinit { if descriptor >= 0 { Self.close(descriptor) } }

    /// Writes some bytes, to a new file where they would not fit. What cannot be written is dropped.
    mutating func write(_ bytes: [UInt8]) {
        let bytes = bytes.count > maximum ? Array(bytes.suffix(maximum)) : bytes
        if descriptor < 0 { openFile() }
        if descriptor >= 0, size + bytes.count > maximum { rotate() }
        guard descriptor >= 0 else { return }
        if let error = DurableFile.writeAll(bytes, to: descriptor, path) {
            failure = error.code
            // Where a part was written the size is only known to the file.
            size = Int(lseek(descriptor, 0, SEEK_END))
        } else {
            failure = 0
            size += bytes.count
        }
    }

    private mutating func rotate() {
        Self.close(descriptor)
        descriptor = -1
        // One that an earlier and larger quota let grow is too large for an older file, too.
        let result = size > maximum ? unlink(path) : rename(path, path + ".1")
        if result != 0 {
            failure = errno
            return
        }
        openFile()
    }

    private mutating func openFile() {
        // The directory is the core's own; a link there is nobody's doing but the operator's.
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            failure = errno
            return
        }
        size = max(Int(lseek(descriptor, 0, SEEK_END)), 0)
        if let older = FileStatus(path: path + ".1"), older.size > maximum { unlink(path + ".1") }
    }

    private static func close(_ descriptor: Int32) {
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #elseif canImport(Musl)
            _ = Musl.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
    }
}
