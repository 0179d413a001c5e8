/// One start of a program or hook: what its processes carry, and the control group that they are in.
struct ProgramScope: Sendable {
    /// Mark in the environment.
    let marker: ProgramMarker
    /// Control group; nil where there are none.
    let group: ProgramCgroup?
    /// What confines commands of this start.
    let builder: LaunchBuilder

    /// Makes a scope with its control group.
    ///
    /// - Parameters:
    ///   - purpose: short; a part of the group's name.
    init(_ plan: ProgramPlan, host: ProgramHost, purpose: String) async {
        let marker = ProgramMarker(run: host.identity)
        let root = host.cgroup
        let group = await Blocking.run {
            root.flatMap {
                ProgramCgroup(
                    in: $0, name: "\(plan.name)-\(purpose)-\(marker.start.prefix(8))", limits: plan.limits)
            }
        }
        self.marker = marker
        self.group = group
        builder = LaunchBuilder(
            tools: host.tools, plan: plan, sandbox: host.sandbox(of: plan), group: group,
            isMemoryControlled: group != nil && host.confinement.cgroup.has("memory"))
    }

    /// The processes of this start.
    func family(leader: Int32?) -> ProcessFamily {
        ProcessFamily(
            leader: leader, marker: marker, group: group, isSandboxed: builder.sandbox != nil)
    }

    /// Removes the control group; nothing is left in it.
    func close() async {
        guard let group else { return }
        // The kernel needs a moment after the last one of it has ended.
        for _ in 0..<50 {
            if await Blocking.run({ group.remove() }) { return }
            await Blocking.pause(.milliseconds(10))
        }
    }
}
