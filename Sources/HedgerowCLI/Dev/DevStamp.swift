import PKI

/// What of a file says whether it was saved again.
struct DevStamp: Hashable, Sendable {
    let size: Int64
    let inode: UInt64
    let seconds: Int64
    let nanoseconds: Int64

    /// Looks at a file; nil where there is none. Blocks briefly.
    init?(path: String) {
        guard let status = FileStatus(path: path) else { return nil }
        self.init(
            size: status.size, inode: status.inode, seconds: status.modificationTime,
            nanoseconds: status.modificationNanoseconds)
    }

    /// Makes one of its parts.
    init(size: Int64, inode: UInt64 = 1, seconds: Int64 = 0, nanoseconds: Int64 = 0) {
        self.size = size
        self.inode = inode
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The stamps of files, those that are not there left out. Blocks briefly.
    static func all(_ paths: Set<String>) -> [String: DevStamp] {
        var stamps: [String: DevStamp] = [:]
        for path in paths { stamps[path] = DevStamp(path: path) }
        return stamps
    }
}
