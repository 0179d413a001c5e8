/// How much more fits on a disk.
public enum FreeSpace {
    /// Bytes that this user may still write where a path is; nil where that cannot be found out. Blocks briefly.
    public static func bytes(at path: String) -> UInt64? { SystemFacts.room(at: path)?.freeBytes }
}
