import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Small files that are there as a whole or not at all, whatever happens to the power.
///
/// Everything here blocks: call it while a program starts, or inside ``BlockingIO/run(_:)``.
public enum DurableFile {
    /// Most bytes that ``read(_:)`` returns.
    public static let maximumSize = 16 * 1024 * 1024

    /// Replaces a file: a temporary file beside it, fsync, rename, fsync of the directory.
    ///
    /// - Parameters:
    ///   - bytes: the new content.
    ///   - path: the file; its directory must exist.
    ///   - mode: permissions, `0600` by default; the file never exists with others.
    /// - Throws: ``FileFailure``; the old file is then as it was.
    public static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws(FileFailure) {
        // O_EXCL and a random name: no one else's file or link is ever written through.
        let temporary = path + ".tmp-" + String(UInt64.random(in: .min ... .max), radix: 16)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_t(mode))
        guard descriptor >= 0 else { throw FileFailure("create", temporary, errno) }
        var failure: FileFailure?
        if fchmod(descriptor, mode_t(mode)) != 0 {
            failure = FileFailure("set the mode of", temporary, errno)
        }
        if failure == nil { failure = writeAll(bytes, to: descriptor, temporary) }
        if failure == nil, fsync(descriptor) != 0 { failure = FileFailure("sync", temporary, errno) }
        if close(descriptor) != 0, failure == nil { failure = FileFailure("close", temporary, errno) }
        if failure == nil, rename(temporary, path) != 0 { failure = FileFailure("rename to", path, errno) }
        if let failure {
            unlink(temporary)
            throw failure
        }
        try syncDirectory(of: path)
    }

    /// Reads a file; nil where there is none. Anything else that keeps it from being read is an error: an
    /// unreadable file is not an absent one.
    ///
    /// - Throws: ``FileFailure``, also for a file above ``maximumSize`` bytes.
    public static func read(_ path: String) throws(FileFailure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw FileFailure("open", path, errno)
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Self.read(descriptor, &buffer)
            if count == 0 { return content }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure("read", path, errno)
            }
            content.append(contentsOf: buffer[..<count])
            guard content.count <= maximumSize else { throw FileFailure("read all of", path, EFBIG) }
        }
    }

    /// Deletes a file, durably; does nothing where there is none.
    ///
    /// - Throws: ``FileFailure``.
    public static func remove(_ path: String) throws(FileFailure) {
        if unlink(path) != 0 {
            if errno == ENOENT { return }
            throw FileFailure("delete", path, errno)
        }
        try syncDirectory(of: path)
    }

    /// Makes a directory and those above it, mode `0700`; does nothing where it exists.
    ///
    /// - Throws: ``FileFailure``.
    public static func makeDirectory(_ path: String) throws(FileFailure) {
        if mkdir(path, 0o700) == 0 {
            try syncDirectory(of: path)
            return
        }
        switch errno {
        case EEXIST:
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw FileFailure("use as a directory", path, ENOTDIR)
            }
        case ENOENT:
            let parent = directory(of: path)
            guard parent != path else { throw FileFailure("create", path, ENOENT) }
            try makeDirectory(parent)
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileFailure("create", path, errno) }
            try syncDirectory(of: path)
        case let code:
            throw FileFailure("create", path, code)
        }
    }

    private static func read(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
        buffer.withUnsafeMutableBytes { bytes in
            #if canImport(Glibc)
                Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            #elseif canImport(Musl)
                Musl.read(descriptor, bytes.baseAddress, bytes.count)
            #else
                Darwin.read(descriptor, bytes.baseAddress, bytes.count)
            #endif
        }
    }

    /// Writes all of some bytes; returns why that failed.
    package static func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ path: String) -> FileFailure? {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let chunk = UnsafeRawBufferPointer(rebasing: rest)
                #if canImport(Glibc)
                    let count = Glibc.write(descriptor, chunk.baseAddress, chunk.count)
                #elseif canImport(Musl)
                    let count = Musl.write(descriptor, chunk.baseAddress, chunk.count)
                #else
                    let count = Darwin.write(descriptor, chunk.baseAddress, chunk.count)
                #endif
                if count < 0 {
                    if errno == EINTR { continue }
                    return FileFailure("write", path, errno)
                }
                rest = rest.dropFirst(count)
            }
            return nil
        }
    }

    /// Brings the directory of a file to the disk, and with it that the file is there or gone.
    package static func syncDirectory(of path: String) throws(FileFailure) {
        let parent = directory(of: path)
        let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("open", parent, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileFailure("sync", parent, errno) }
    }

    /// The directory that holds a path.
    private static func directory(of path: String) -> String {
        var end = path[...]
        while end.count > 1, end.last == "/" { end = end.dropLast() }
        guard let slash = end.lastIndex(of: "/") else { return "." }
        return slash == end.startIndex ? "/" : String(end[..<slash])
    }
}
