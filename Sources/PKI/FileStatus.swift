#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the system says about a file or directory.
///
/// It is here, in a module that does without Foundation: where Foundation's parts are linked in
/// (`--static-swift-stdlib`), the compiler takes `struct stat` for a part of CoreFoundation.
public struct FileStatus: Hashable, Sendable {
    /// User that owns it.
    public let owner: UInt32
    /// Permission bits, 0 to 0o7777.
    public let permissions: UInt32
    /// Whether it is a directory.
    public let isDirectory: Bool
    /// Number of the device that it is on.
    public let device: UInt64
    /// Its number on that device.
    public let inode: UInt64
    /// Its bytes.
    public let size: Int64
    /// When its content last changed, in seconds since 1970, rounded down.
    public let modificationTime: Int64
    /// Nanoseconds of that second.
    public let modificationNanoseconds: Int64

    /// Looks at a file; at what a link leads to. Nil where there is none, or it cannot be looked at. Blocks briefly.
    public init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        owner = UInt32(status.st_uid)
        permissions = UInt32(status.st_mode) & 0o7777
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        #if canImport(Darwin)
            modificationTime = Int64(status.st_mtimespec.tv_sec)
            modificationNanoseconds = Int64(status.st_mtimespec.tv_nsec)
        #else
            modificationTime = Int64(status.st_mtim.tv_sec)
            modificationNanoseconds = Int64(status.st_mtim.tv_nsec)
        #endif
    }
}
