#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A start of a program with all that it began, whatever these processes have become.
struct ProcessFamily: Sendable {
    /// The process that was started; nil where none is or was.
    let leader: Int32?
    /// What they carry.
    let marker: ProgramMarker
    /// Their control group; nil where there are none.
    let group: ProgramCgroup?
    /// Whether the leader is bubblewrap.
    let isSandboxed: Bool

    /// How long SIGKILL is repeated until nothing is left; only a process that the kernel holds takes so
    /// long.
    static let killTime: Duration = .seconds(10)

    /// Those that live.
    func members() async -> [ProcessEntry] { await Blocking.run { self.read() } }

    /// Sends SIGTERM to all of them.
    ///
    /// - Parameter told: those that were told before, and are not told again: a program that is only just
    ///   being started may have begun its process after the first look.
    /// - Returns: those that live, each with when it began.
    @discardableResult
    func terminate(except told: Set<ProcessEntry.Identity> = []) async -> Set<ProcessEntry.Identity> {
        await Blocking.run {
            let members = self.read()
            for entry in members
            where !(self.isSandboxed && entry.pid == self.leader) && !told.contains(entry.identity) {
                ProcessTable.send(SIGTERM, to: entry)
            }
            return Set(members.map(\.identity))
        }
    }

    /// Sends SIGKILL to all of them until none is left; returns those that are left nevertheless.
    func kill() async -> [ProcessEntry] {
        let deadline = ContinuousClock.now + Self.killTime
        var orphans = Set<Int32>()
        while true {
            let left = await Blocking.run {
                self.group?.kill()
                let members = self.read()
                for entry in members { ProcessTable.send(SIGKILL, to: entry) }
                return members
            }
            // A core that is the first process of its container inherits them, and nobody else collects them.
            // The leader has somebody who waits for it.
            orphans.formUnion(left.map(\.pid))
            if let leader { orphans.remove(leader) }
            for pid in orphans { waitpid(pid, nil, WNOHANG) }
            if left.isEmpty || ContinuousClock.now >= deadline { return left }
            await Blocking.pause(.milliseconds(10))
        }
    }

    /// Processor time and memory of them; those that began a session of their own stand back from here on.
    func usage() async -> ProgramUsage {
        await Blocking.run {
            var table = ProcessTable.recent()
            if let leader = self.leader, table.entries[leader] == nil { table = ProcessTable.now() }
            let members = table.family(of: self.leader, mark: nil)
            let ids = Set(members.map(\.pid)).union(self.group?.processes ?? [])
            let all = ids.compactMap { table.entries[$0] }
            ProgramPriority.lowerSessions(of: all)
            let ticks = all.reduce(UInt64(0)) { $0 + $1.ticks }
            let perSecond = max(sysconf(Int32(_SC_CLK_TCK)), 1)
            let pages = all.reduce(0) { $0 + $1.residentPages }
            return ProgramUsage(
                cpuTime: self.group?.cpuTime ?? .milliseconds(Int(ticks) * 1_000 / perSecond),
                residentBytes: self.group?.memory ?? pages * max(sysconf(Int32(_SC_PAGESIZE)), 1),
                processes: all.count)
        }
    }

    private func read() -> [ProcessEntry] {
        let table = ProcessTable.now()
        // Nothing leaves a control group, so no environment need be read where there is one.
        let found = table.family(of: leader, mark: group == nil ? marker.assignment : nil)
        guard let group else { return found }
        let known = Set(found.map(\.pid))
        return found + group.processes.filter { !known.contains($0) }.compactMap { table.entries[$0] }
    }
}
