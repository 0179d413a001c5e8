import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a core wrote down of its programs, so that the next one finds what this one may leave.
///
/// `run` has the machine's boot, the identity of the core's run and its control group; `NAME.pid` the process
/// that leads a program and when it began; `NAME.installed` what `install` was done for.
struct ProgramRecords: Sendable {
    /// Where they are.
    let directory: String

    /// How long what an earlier core left is ended, at most.
    static let endingTime: Duration = .seconds(10)

    // MARK: The core's run

    /// Ends what an earlier run left; returns how many processes that were.
    ///
    /// - Throws: `FileFailure`.
    func endLeftovers() async throws -> Int {
        let directory = directory
        let run = try await BlockingIO.run {
            try DurableFile.makeDirectory(directory)
            return try Self.words("\(directory)/run")
        }
        // Of another boot nothing can be left, and its numbers are others' now.
        guard run.count >= 2, run[0] == Self.boot() else { return 0 }
        let deadline = ContinuousClock.now + Self.endingTime
        var ended = Set<Int32>()
        while ContinuousClock.now < deadline {
            let found = await Blocking.run { Self.leftovers(directory, run: run[1]) }
            if found.isEmpty { break }
            ended.formUnion(found.map(\.pid))
            await Blocking.run { for entry in found { ProcessTable.send(SIGKILL, to: entry) } }
            await Blocking.pause(.milliseconds(10))
        }
        if run.count > 2 {
            let cgroup = run[2]
            ended.formUnion(await Blocking.run { CgroupRoot.members(cgroup) })
            await CgroupRoot.remove(cgroup)
        }
        return ended.count
    }

    /// Begins a run.
    ///
    /// - Throws: `FileFailure`.
    func begin(run: String, cgroup: String?) async throws {
        let directory = directory
        try await BlockingIO.run {
            for name in ProcFile.names(directory) where name.hasSuffix(".pid") {
                try DurableFile.remove("\(directory)/\(name)")
            }
            let text = [Self.boot(), run, cgroup].compactMap { $0 }.joined(separator: " ")
            try DurableFile.write(Array(text.utf8), to: "\(directory)/run")
        }
    }

    /// Ends a run in order: nothing of it is left.
    func end(cgroup: CgroupRoot?) async {
        let path = "\(directory)/run"
        if let cgroup { await CgroupRoot.remove(cgroup.path) }
        await Blocking.run { _ = unlink(path) }
    }

    // MARK: Programs

    /// Records the process that leads a program. Not durably: a machine that starts anew has no such process.
    func started(_ name: String, pid: Int32) async {
        let path = path(name, "pid")
        await Blocking.run {
            guard let entry = ProcessTable.entry(of: pid) else { return }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { return }
            _ = DurableFile.writeAll(Array("\(pid) \(entry.startTime)".utf8), to: descriptor, path)
            close(descriptor)
        }
    }

    /// Nothing of a program is left.
    func ended(_ name: String) async {
        let path = path(name, "pid")
        await Blocking.run { _ = unlink(path) }
    }

    /// Whether `install` was done for a key.
    func isInstalled(_ name: String, key: String) async -> Bool {
        let path = path(name, "installed")
        return await Blocking.run { ProcFile.text(path) == key }
    }

    /// Records that `install` was done for a key.
    ///
    /// - Throws: `FileFailure`.
    func installed(_ name: String, key: String) async throws {
        let path = path(name, "installed")
        try await BlockingIO.run { try DurableFile.write(Array(key.utf8), to: path) }
    }

    private func path(_ name: String, _ kind: String) -> String { "\(directory)/\(name).\(kind)" }

    // MARK: Reading

    private static func leftovers(_ directory: String, run: String) -> [ProcessEntry] {
        let table = ProcessTable.now()
        var found: [Int32: ProcessEntry] = [:]
        for entry in table.family(of: nil, mark: ProgramMarker.prefix(run: run)) { found[entry.pid] = entry }
        for name in ProcFile.names(directory) where name.hasSuffix(".pid") {
            let record = (ProcFile.text("\(directory)/\(name)") ?? "").split(separator: " ")
            guard record.count == 2, let pid = Int32(record[0]) else { continue }
            // A leader that is gone leaves its session's number taken as long as one of the session lives;
            // one that has another beginning is somebody else.
            if let now = table.entries[pid], "\(now.startTime)" != record[1] { continue }
            for entry in table.family(of: pid, mark: nil) { found[entry.pid] = entry }
        }
        return Array(found.values)
    }

    /// Identity of the machine's present start.
    private static func boot() -> String {
        (ProcFile.text("/proc/sys/kernel/random/boot_id") ?? "none").filter { !$0.isWhitespace }
    }

    private static func words(_ path: String) throws -> [String] {
        guard let bytes = try DurableFile.read(path) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
    }
}
