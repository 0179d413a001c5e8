import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// When files were used.
enum FileTimes {
    /// Makes now the time of a file's last change; where that fails, it stays as it is. Blocks briefly.
    static func setNow(_ path: String) { _ = utimensat(AT_FDCWD, path, nil, 0) }
}

extension FileFailure {
    /// Whether there was no room.
    var isFullDisk: Bool { code == ENOSPC || code == EDQUOT }
}
