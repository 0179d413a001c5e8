import Logging

extension ProgramCycle {
    /// What the leader left gets this long after SIGTERM, or the plan's time where that is shorter.
    static let othersTime: Duration = .seconds(2)
    /// How often it is looked whether they have ended.
    static let lookInterval: Duration = .milliseconds(50)

    /// Ends a program in order: `shutdown`, SIGTERM to all of it, and time. SIGKILL is the caller's.
    mutating func end(
        _ process: ProgramProcess, leads: Bool, _ scope: ProgramScope, _ group: inout DiscardingTaskGroup
    ) async {
        if let hook = plan.shutdown {
            let result = await run("shutdown", hook, isInterruptible: false, &group)
            if case .failed(let reason) = result {
                supervisor.log.note(reason)
                supervisor.logger.warning(
                    "a component was not shut down in order", metadata: ["reason": "\(reason)"])
            }
        }
        let family = scope.family(leader: process.pid)
        let alarm = desk.bell.alarm(after: plan.stopTimeout)
        await family.terminate()
        while leads, !process.isOver, !alarm.isPast { await desk.bell.heard() }
        if leads, !process.isOver {
            supervisor.log.note("did not end within \(plan.stopTimeout.inWords) of SIGTERM, so it is killed")
        }
        while !alarm.isPast, await !family.members().isEmpty { await Blocking.pause(Self.lookInterval) }
    }

    /// Ends what a program that ended by itself left, in a short order.
    func endOthers(_ scope: ProgramScope, _ process: ProgramProcess) async {
        let family = scope.family(leader: process.pid)
        guard await !family.members().isEmpty else { return }
        let alarm = desk.bell.alarm(after: min(plan.stopTimeout, Self.othersTime))
        await family.terminate()
        while !alarm.isPast, await !family.members().isEmpty { await Blocking.pause(Self.lookInterval) }
    }
}
