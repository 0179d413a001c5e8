#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The control group (version 2) in which a core makes one for each of its programs. Everything here blocks.
struct CgroupRoot: Hashable, Sendable {
    /// Its directory.
    let path: String
    /// The controllers that its children have.
    let controllers: [String]

    /// What would be good to have.
    static let wanted = ["memory", "cpu", "pids"]

    /// Why there is none.
    struct Absent: Error {
        let reason: String
    }

    /// Makes one below the core's own group.
    ///
    /// - Parameter run: identity of the core's run, for the name.
    static func make(run: String) throws(Absent) -> CgroupRoot {
        guard let mount = mount(), let own = own() else {
            throw Absent(reason: "control groups of version 2 are not mounted")
        }
        let base = own == "/" ? mount : mount + own
        if geteuid() == 0, own != "/", access("/run/systemd/system", F_OK) == 0, !isDelegated(base) {
            throw Absent(reason: "systemd did not delegate its control group, see Delegate= of the service")
        }
        let path = "\(base)/hedgerow-\(run)"
        guard mkdir(path, 0o755) == 0 else {
            throw Absent(reason: "control groups: \(String(cString: strerror(errno)))")
        }
        guard access("\(path)/cgroup.kill", W_OK) == 0 else {
            rmdir(path)
            throw Absent(reason: "control groups cannot be ended whole before Linux 5.14")
        }
        enable(in: base)
        enable(in: path)
        return CgroupRoot(path: path, controllers: words("\(path)/cgroup.subtree_control"))
    }

    /// Those in the groups of a core's programs.
    static func members(_ path: String) -> [Int32] {
        guard path.contains("/hedgerow-") else { return [] }
        return ProcFile.names(path).flatMap { name in
            words("\(path)/\(name)/cgroup.procs").compactMap { Int32($0) }
        }
    }

    /// Ends what is in the group that a core made for its programs, and removes it. Does not block.
    static func remove(_ path: String) async {
        guard path.contains("/hedgerow-") else { return }
        // Those in it are gone a moment after they were killed.
        for _ in 0..<100 {
            let isGone = await Blocking.run {
                guard access(path, F_OK) == 0 else { return true }
                _ = ProcFile.write("1", to: "\(path)/cgroup.kill")
                for name in ProcFile.names(path) { rmdir("\(path)/\(name)") }
                return rmdir(path) == 0
            }
            if isGone { return }
            await Blocking.pause(.milliseconds(10))
        }
    }

    /// Gives the children of a group what its parent has of the wanted controllers.
    private static func enable(in path: String) {
        let missing = Set(wanted).intersection(words("\(path)/cgroup.controllers"))
            .subtracting(words("\(path)/cgroup.subtree_control"))
        guard !missing.isEmpty else { return }
        let change = missing.sorted().map { "+\($0)" }.joined(separator: " ")
        guard ProcFile.write(change, to: "\(path)/cgroup.subtree_control") == EBUSY else { return }
        // A group with processes of its own has no controllers for its children: the core, if it is alone
        // there, goes into a child itself.
        guard words("\(path)/cgroup.procs") == ["\(getpid())"] else { return }
        let inner = "\(path)/hedgerow-core"
        guard mkdir(inner, 0o755) == 0 || errno == EEXIST,
            ProcFile.write("\(getpid())", to: "\(inner)/cgroup.procs") == 0
        else { return }
        _ = ProcFile.write(change, to: "\(path)/cgroup.subtree_control")
    }

    private static func words(_ path: String) -> [String] {
        (ProcFile.text(path) ?? "").split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
    }

    /// Where they are mounted.
    private static func mount() -> String? {
        let lines = (ProcFile.text("/proc/self/mounts") ?? "").split(separator: "\n")
        let fields = lines.map { $0.split(separator: " ") }
        return fields.first { $0.count > 2 && $0[2] == "cgroup2" }.map { String($0[1]) }
    }

    /// The core's own group, below the mount.
    private static func own() -> String? {
        let lines = (ProcFile.text("/proc/self/cgroup") ?? "").split(separator: "\n")
        return lines.first { $0.hasPrefix("0::/") }.map { String($0.dropFirst(3)) }
    }

    /// Whether systemd says that it leaves a group to us.
    private static func isDelegated(_ path: String) -> Bool {
        // The headers that the compiler knows of the C library lack this function.
        typealias GetAttribute =
            @convention(c) (
                UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer, Int
            ) -> Int
        guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "getxattr") else { return false }
        let getAttribute = unsafeBitCast(symbol, to: GetAttribute.self)
        return ["user.delegate", "trusted.delegate"].contains { name in
            var value: [UInt8] = [0, 0]
            return getAttribute(path, name, &value, value.count) == 1 && value[0] == UInt8(ascii: "1")
        }
    }
}
