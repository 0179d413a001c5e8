import FoundationEssentials
import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the system says about files, users, mounts and sockets, for a doctor. Everything blocks briefly.
enum SystemFacts {
    /// A file, what a link leads to included; nil where there is none, or it cannot be looked at.
    static func file(_ path: String) -> FileStatus? { FileStatus(path: path) }

    /// The names in a directory, sorted; nil where it cannot be read.
    static func entries(_ path: String) -> [String]? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The user that this process acts as.
    static var user: UInt32 { UInt32(geteuid()) }

    /// A user's name, or the number.
    static func name(ofUser id: UInt32) -> String {
        guard let entry = getpwuid(uid_t(id)), let name = entry.pointee.pw_name else { return "user \(id)" }
        return String(cString: name)
    }

    /// A small file of the kernel's as a text; nil where it cannot be read.
    static func text(_ path: String) -> String? {
        guard let bytes = try? DurableFile.read(path) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What a symbolic link says.
    static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.bindMemory(to: CChar.self).baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }

    /// An absolute path without links; the path itself where there is nothing.
    static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    // MARK: File systems

    /// Room on a file system.
    struct Room: Hashable, Sendable {
        let freeBytes: UInt64
        let totalBytes: UInt64
        let freeInodes: UInt64
        /// Zero where the file system has no fixed number of them.
        let totalInodes: UInt64
        let isReadOnly: Bool
    }

    /// The room where a path is; nil where that cannot be found out.
    static func room(at path: String) -> Room? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let unit = UInt64(status.f_frsize)
        return Room(
            freeBytes: UInt64(status.f_bavail) * unit, totalBytes: UInt64(status.f_blocks) * unit,
            freeInodes: UInt64(status.f_favail), totalInodes: UInt64(status.f_files),
            isReadOnly: UInt64(status.f_flag) & UInt64(ST_RDONLY) != 0)
    }

    /// The type of the file system that a path is on (`ext4`, `tmpfs`); nil where the system does not say.
    static func fileSystemType(at path: String, mounts: String? = text("/proc/self/mountinfo")) -> String? {
        guard let mounts else { return nil }
        let path = resolved(path)
        var best: (length: Int, type: String)?
        for line in mounts.split(separator: "\n") {
            // proc(5): ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS] - TYPE SOURCE OPTIONS
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else {
                continue
            }
            let point = fields[4].replacing("\\040", with: " ")
            let inside = point == "/" || path == point || path.hasPrefix(point + "/")
            // Of several mounts on one point the last one counts.
            if inside, point.count >= best?.length ?? 0 { best = (point.count, String(fields[dash + 1])) }
        }
        return best?.type
    }

    // MARK: Processes

    /// The process that holds a `flock` on a file; nil where nobody does, or the system does not say.
    ///
    /// It reads the kernel's list and takes no lock itself, so that nobody is kept from starting.
    static func lockHolder(_ path: String, locks: String? = text("/proc/locks")) -> Int32? {
        guard let file = file(path), let locks else { return nil }
        let written = text(path).flatMap { Int32($0.prefix { $0.isNumber }) }
        for line in locks.split(separator: "\n") {
            // proc(5): N: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE START END
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "FLOCK", fields[3] == "WRITE",
                let process = Int32(fields[4])
            else { continue }
            let place = fields[5].split(separator: ":")
            guard place.count == 3, UInt64(place[2]) == file.inode else { continue }
            // Some file systems give locks another device than files: the number in the file says it then.
            let device =
                major(file.device) == UInt64(place[0], radix: 16)
                && minor(file.device) == UInt64(place[1], radix: 16)
            if device || process == written { return process }
        }
        return nil
    }

    // makedev(3), glibc and musl alike.
    private static func major(_ device: UInt64) -> UInt64 {
        (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
    }

    private static func minor(_ device: UInt64) -> UInt64 { device & 0xFF | (device >> 12) & ~0xFF }

    /// What a process calls itself.
    static func name(ofProcess process: Int32) -> String {
        text("/proc/\(process)/comm").map { String($0.prefix { $0 != "\n" }) } ?? "a process"
    }

    /// The process that listens at a TCP port; nil where nobody does or it is another user's.
    static func listener(atPort port: Int) -> Int32? {
        var sockets: Set<String> = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            for line in (text(table) ?? "").split(separator: "\n").dropFirst() {
                // proc(5): SL LOCAL REMOTE STATE … INODE; the state 0A is LISTEN.
                let fields = line.split(separator: " ")
                guard fields.count > 9, fields[3] == "0A",
                    fields[1].split(separator: ":").last.flatMap({ Int($0, radix: 16) }) == port
                else { continue }
                sockets.insert("socket:[\(fields[9])]")
            }
        }
        if sockets.isEmpty { return nil }
        for name in entries("/proc") ?? [] {
            guard let process = Int32(name) else { continue }
            for descriptor in entries("/proc/\(name)/fd") ?? [] {
                if let target = link("/proc/\(name)/fd/\(descriptor)"), sockets.contains(target) {
                    return process
                }
            }
        }
        return nil
    }

    // MARK: Clock

    /// Whether the kernel holds its clock to be synchronised; nil where it cannot be asked.
    static func isClockSynchronised() -> Bool? {
        #if os(Linux)
            typealias Call = @convention(c) (UnsafeMutableRawPointer) -> Int32
            // adjtimex(2) is in the C library, but not in Swift's view of it.
            guard let program = dlopen(nil, RTLD_NOW) else { return nil }
            defer { dlclose(program) }
            guard let symbol = dlsym(program, "adjtimex") else { return nil }
            // `struct timex` is smaller; all zero asks and changes nothing.
            let size = 1_024
            let record = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
            defer { record.deallocate() }
            record.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            let state = unsafeBitCast(symbol, to: Call.self)(record)
            // TIME_ERROR is 5: not synchronised.
            return state < 0 ? nil : state != 5
        #else
            return nil
        #endif
    }
}
