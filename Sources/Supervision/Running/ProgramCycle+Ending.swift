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
        await terminate(family, until: alarm)
        if leads, !process.isOver, alarm.isPast {
            supervisor.log.note("did not end within \(plan.stopTimeout.inWords) of SIGTERM, so it is killed")
        }
    }

    /// Tells all of a program to end, those too that it is only just beginning, until none is left or time is over.
    private func terminate(_ family: ProcessFamily, until alarm: Alarm) async {
        var told: Set<ProcessEntry.Identity> = []
        while true {
            let living = await family.terminate(except: told)
            if living.isEmpty || alarm.isPast { return }
            told.formUnion(living)
            await Blocking.pause(Self.lookInterval)
        }
    }

    /// Ends what a program that ended by itself left, in a short order.
    func endOthers(_ scope: ProgramScope, _ process: ProgramProcess) async {
        let family = scope.family(leader: process.pid)
        guard await !family.members().isEmpty else { return }
        let alarm = desk.bell.alarm(after: min(plan.stopTimeout, Self.othersTime))
        await terminate(family, until: alarm)
    }
}
