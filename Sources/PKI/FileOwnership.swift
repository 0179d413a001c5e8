#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whose a file or directory is. Like ``FileStatus`` it is here because this module does without Foundation.
public struct FileOwnership: Hashable, Sendable {
    /// User that owns it.
    public let owner: UInt32
    /// Group that owns it.
    public let group: UInt32
    /// How many names it has.
    public let links: UInt64
    /// Whether it is a directory.
    public let isDirectory: Bool

    /// Looks at a file. Nil where there is none, or it cannot be looked at. Blocks briefly.
    ///
    /// - Parameter followsLinks: whether it is what a symbolic link leads to, or the link itself.
    public init?(path: String, followsLinks: Bool) {
        var status = stat()
        let result = followsLinks ? stat(path, &status) : lstat(path, &status)
        guard result == 0 else { return nil }
        owner = UInt32(status.st_uid)
        group = UInt32(status.st_gid)
        links = UInt64(status.st_nlink)
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
    }
}
