/// Whether there is room on a disk that keeps what is written. Everything blocks briefly.
public enum DiskChecks {
    /// Fewer bytes than this free are a failure: 16 MiB.
    public static let leastBytes: UInt64 = 16 << 20
    /// Fewer bytes than this free, or less than a twentieth, are warned of: 256 MiB.
    public static let fewBytes: UInt64 = 256 << 20
    /// Fewer files than this that can be made are a failure: 100.
    public static let leastInodes: UInt64 = 100

    /// Checks free bytes, free inodes and the file system where a directory is.
    public static func disk(at path: String) -> [DoctorFinding] {
        guard let room = SystemFacts.room(at: path) else {
            return [.skipped("disk.space", "there is no \(path) yet")]
        }
        return [
            space(room, path), inodes(room, path),
            fileSystem(SystemFacts.fileSystemType(at: path), room, path),
        ]
    }

    static func space(_ room: SystemFacts.Room, _ path: String) -> DoctorFinding {
        let check = "disk.space"
        let free = "\(Spans.size(room.freeBytes)) of \(Spans.size(room.totalBytes)) are free at \(path)"
        if room.freeBytes < leastBytes {
            return .failure(check, free, advice: "make room: nothing more can be taken")
        }
        if room.freeBytes < fewBytes, room.freeBytes < room.totalBytes / 20 || room.totalBytes < fewBytes * 2
        {
            return .warning(check, free, advice: "make room, or give streams a smaller maxSize")
        }
        return .good(check, free)
    }

    static func inodes(_ room: SystemFacts.Room, _ path: String) -> DoctorFinding {
        let check = "disk.inodes"
        if room.totalInodes == 0 {
            return .good(check, "the file system at \(path) has no fixed number of files")
        }
        let free = "\(room.freeInodes) more files can be made at \(path)"
        return room.freeInodes < leastInodes
            ? .failure(check, free, advice: "delete small files: the database needs a few")
            : .good(check, free)
    }

    static func fileSystem(_ type: String?, _ room: SystemFacts.Room, _ path: String) -> DoctorFinding {
        let check = "disk.fileSystem"
        if room.isReadOnly {
            return .failure(
                check, "\(path) is on a file system that is mounted read-only",
                advice: "mount it for writing; a card that failed is remounted so, see dmesg")
        }
        guard let type else { return .skipped(check, "this system does not say what \(path) is on") }
        if ["tmpfs", "ramfs"].contains(type) {
            return .warning(
                check, "\(path) is on \(type), in memory: a power cut takes everything",
                advice: "use a directory on a disk")
        }
        if ["nfs", "nfs4", "cifs", "smb3", "9p"].contains(type) || type.hasPrefix("fuse.sshfs") {
            return .warning(
                check, "\(path) is on \(type), over a network: locks and syncs may not hold there",
                advice: "use a directory on a disk of this machine")
        }
        return .good(check, "\(path) is on \(type)")
    }
}
