import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The processes of this machine. Reading blocks: only on threads that may.
struct ProcessTable: Sendable {
    /// By number; those that have ended are not among them.
    let entries: [Int32: ProcessEntry]

    /// How old ``recent()`` may be: 50 programs that are looked at each second cost one reading.
    static let recentAge: Duration = .seconds(1)

    private static let cache = Mutex<(at: ContinuousClock.Instant, table: ProcessTable)?>(nil)

    /// Reads all of them.
    static func now() -> ProcessTable {
        var entries: [Int32: ProcessEntry] = [:]
        for name in ProcFile.names("/proc") where name.utf8.first.map({ $0 >= 48 && $0 <= 57 }) == true {
            guard let text = ProcFile.text("/proc/\(name)/stat"), let entry = ProcessEntry(text),
                !entry.isZombie
            else { continue }
            entries[entry.pid] = entry
        }
        return ProcessTable(entries: entries)
    }

    /// Reads all of them, unless that was done a moment ago.
    static func recent() -> ProcessTable {
        cache.withLock { cache in
            if let cache, cache.at.duration(to: .now) < recentAge { return cache.table }
            let table = now()
            cache = (.now, table)
            return table
        }
    }

    /// One process as it is now; nil where it is gone or has ended.
    static func entry(of pid: Int32) -> ProcessEntry? {
        guard let text = ProcFile.text("/proc/\(pid)/stat"), let entry = ProcessEntry(text), !entry.isZombie
        else { return nil }
        return entry
    }

    /// What belongs to a program: its leader, its session, what has its mark in the environment, and all that
    /// descends from these.
    ///
    /// The session finds what cleared its environment, the mark finds what left the session and was left by
    /// its parent. Both at once, in a program without sandbox and control group, goes unseen.
    ///
    /// - Parameters:
    ///   - leader: the process that was started; nil for none.
    ///   - mark: what stands in the environment; nil looks at no environment, which costs most of the time.
    func family(of leader: Int32?, mark: String?) -> [ProcessEntry] {
        var members = Set<Int32>()
        let own = getpid()
        for entry in entries.values where entry.pid != own {
            if let leader, entry.pid == leader || entry.session == leader {
                members.insert(entry.pid)
            } else if let mark, Self.environment(of: entry.pid, has: mark) {
                members.insert(entry.pid)
            }
        }
        var children: [Int32: [Int32]] = [:]
        for entry in entries.values { children[entry.parent, default: []].append(entry.pid) }
        var open = Array(members)
        while let pid = open.popLast() {
            for child in children[pid] ?? [] where members.insert(child).inserted { open.append(child) }
        }
        return members.sorted().compactMap { entries[$0] }
    }

    /// Sends a signal to a process, unless its number has gone to another one meanwhile.
    static func send(_ signal: Int32, to entry: ProcessEntry) {
        guard let now = Self.entry(of: entry.pid), now.startTime == entry.startTime else { return }
        _ = kill(entry.pid, signal)
    }

    /// Whether a variable of a process' environment begins so.
    private static func environment(of pid: Int32, has mark: String) -> Bool {
        guard let bytes = ProcFile.bytes("/proc/\(pid)/environ"), !bytes.isEmpty else { return false }
        let mark = Array(mark.utf8)
        return bytes.split(separator: 0).contains { $0.starts(with: mark) }
    }
}
