import Logging

extension ProgramCycle {
    /// Why a running program is not left alone.
    enum Turn {
        case ended(ProgramExit)
        /// The supervisor is cancelled, or the program is not needed.
        case unwanted
        case restart
        /// It does not work, for a reason; it has the time to end in order or has not.
        case failed(String, isUrgent: Bool)
    }

    /// Starts the program, watches it until something happens, and ends it.
    mutating func start(_ group: inout DiscardingTaskGroup) async -> Step {
        desk.settle { wishes in
            wishes.isRestart = false
            wishes.finding = nil
            wishes.report = nil
        }
        if hasFailed, let hook = plan.recover {
            show(.starting, "recovers")
            switch await run("recover", hook, isInterruptible: true, &group) {
            case .interrupted: return .over
            case .failed(let reason): return .errored(.errored, reason)
            case .done: break
            }
        }
        hasFailed = false
        if let problem = await prepare() { return .errored(.starting, problem) }
        if desk.wishes.isCancelled { return .over }
        let isAgain = isRestart
        isRestart = false
        show(.starting)
        desk.show { status in
            status.starts += 1
            if isAgain { status.restarts += 1 }
        }
        notBefore = now + Self.startSpacing
        noteMissingGrants()
        let scope = await ProgramScope(plan, host: supervisor.host, purpose: "run")
        if scope.group == nil, supervisor.host.cgroup != nil {
            supervisor.log.note("no control group could be made, so only rlimits hold")
        }
        let process: ProgramProcess
        var leads = true
        if let command = plan.run {
            process = await begin(command, scope, &group)
            while process.pid == nil, !process.isOver { await desk.bell.heard() }
            if let failure = process.failure {
                await kill(scope, process)
                return .errored(.starting, "it could not be started: \(failure)")
            }
        } else if let hook = plan.startup {
            process = await begin(hook.arguments, scope, &group)
            leads = false
            let result = await outcome(of: process, "startup", hook, isInterruptible: true)
            if case .done = result {
            } else {
                await kill(scope, process)
                if case .failed(let reason) = result { return .errored(.starting, reason) }
                return .over
            }
        } else {
            return .broken("it has no command")
        }
        return await live(process, leads: leads, scope, &group)
    }

    /// From the moment it runs until nothing of it is left.
    private mutating func live(
        _ process: ProgramProcess, leads: Bool, _ scope: ProgramScope, _ group: inout DiscardingTaskGroup
    ) async -> Step {
        let pid = process.pid
        if let pid { await supervisor.host.records.started(plan.name, pid: pid) }
        supervisor.live.family = scope.family(leader: pid)
        desk.show { $0.pid = leads ? pid : nil }
        supervisor.logger.info("a component was started", metadata: ["pid": "\(pid ?? 0)"])
        let turn = await watch(leads ? process : nil, scope, &group)
        let state = desk.status.state
        switch turn {
        case .ended(let exit):
            desk.show { $0.exit = exit }
            await endOthers(scope, process)
        case .failed(let reason, isUrgent: true):
            show(.stopping, reason)
        case .failed(let reason, isUrgent: false):
            show(.stopping, reason)
            await end(process, leads: leads, scope, &group)
        case .unwanted, .restart:
            show(.stopping)
            await end(process, leads: leads, scope, &group)
        }
        let ranOutOfMemory = await Blocking.run { scope.group?.ranOutOfMemory ?? false }
        await kill(scope, process)
        let exit = process.exit
        desk.show { status in
            status.pid = nil
            status.exit = exit
        }
        supervisor.live.family = nil
        await supervisor.host.records.ended(plan.name)
        supervisor.logger.info(
            "a component has ended", metadata: ["exit": "\(exit.map { "\($0)" } ?? "unknown")"])
        switch turn {
        case .ended(.code(0)):
            if plan.mode == .longLived { return .finished }
            desk.settle { $0.isWanted = false }
            return .idle
        case .ended(let exit):
            if ranOutOfMemory, let memory = plan.limits.memory {
                return .errored(state, "it needed more memory than its limit of \(memory) bytes")
            }
            return .errored(state, "it \(Self.ended(exit))")
        case .failed(let reason, _): return .errored(state, reason)
        case .restart:
            isRestart = true
            return desk.wishes.isCancelled ? .over : .start
        case .unwanted: return desk.wishes.isCancelled ? .over : .idle
        }
    }

    /// Looks after a program that runs.
    private mutating func watch(
        _ process: ProgramProcess?, _ scope: ProgramScope, _ group: inout DiscardingTaskGroup
    ) async -> Turn {
        var health = plan.health.map { HealthWatch($0, now: now) }
        if health == nil { show(.running) }
        var check: HealthCheckRun?
        var complaint: String?
        let startDue = now + plan.startTimeout
        let limits = LimitWatch(
            plan.limits, cgroup: scope.group == nil ? nil : supervisor.host.confinement.cgroup)
        var look = limits.map { _ in desk.bell.alarm(after: LimitWatch.interval) }
        var turn: Turn?
        while turn == nil {
            if desk.wishes.isReset { forget() }
            turn = firstTurn(process)
            if turn != nil { break }
            if health != nil {
                let verdict = await ask(&health, &check, &group)
                switch verdict {
                case .unchanged: break
                case .healthy:
                    if desk.status.state == .starting { show(.running) }
                    desk.show { $0.isHealthy = true }
                case .unwell(let reason):
                    complaint = reason
                    desk.show { $0.isHealthy = false }
                case .failed(let reason):
                    turn = .failed(reason, isUrgent: false)
                }
            }
            if desk.status.state == .starting {
                if now >= startDue {
                    let detail = complaint.map { ": \($0)" } ?? ""
                    turn = .failed(
                        "it was not healthy within \(plan.startTimeout.inWords)\(detail)", isUrgent: false)
                }
            }
            let dues = [
                desk.status.state == .starting ? startDue : nil, check == nil ? health?.due : nil,
            ]
            if let due = dues.compactMap({ $0 }).min() { ring(at: due, &group) }
            if let limits, look?.isPast == true {
                look = desk.bell.alarm(after: LimitWatch.interval)
                if let excess = limits.excess(await scope.family(leader: process?.pid).usage()) {
                    turn = .failed(excess, isUrgent: true)
                }
            }
            if turn == nil { await desk.bell.heard() }
        }
        if let check { await kill(check.scope, check.process) }
        return turn ?? .unwanted
    }

    /// What ends the watching at once.
    private func firstTurn(_ process: ProgramProcess?) -> Turn? {
        let wishes = desk.wishes
        if let exit = process?.exit { return .ended(exit) }
        if wishes.isCancelled || !isWanted { return .unwanted }
        if wishes.isRestart { return .restart }
        return wishes.finding.map { .failed($0, isUrgent: false) }
    }

    /// Goes on with the health check.
    private mutating func ask(
        _ health: inout HealthWatch?, _ check: inout HealthCheckRun?, _ group: inout DiscardingTaskGroup
    ) async -> HealthWatch.Verdict {
        guard let command = plan.health?.command else {
            return health?.look(desk.wishes.report, now: now) ?? .unchanged
        }
        if let running = check {
            var problem: String?
            if let failure = running.process.failure {
                problem = "its health check could not be started: \(failure)"
            } else if let exit = running.process.exit {
                problem = exit == .code(0) ? nil : "its health check \(Self.ended(exit))"
            } else if running.alarm.isPast {
                problem = "its health check did not end within \(command.timeout.inWords)"
            } else {
                return .unchanged
            }
            await kill(running.scope, running.process)
            check = nil
            return health?.answer(problem, now: now) ?? .unchanged
        }
        guard let due = health?.due, now >= due else { return .unchanged }
        health?.begun(now)
        let scope = await ProgramScope(plan, host: supervisor.host, purpose: "health")
        check = HealthCheckRun(
            process: await begin(command.arguments, scope, &group), scope: scope,
            alarm: desk.bell.alarm(after: command.timeout))
        return .unchanged
    }

    /// Says in the log what is granted and not there.
    private func noteMissingGrants() {
        guard supervisor.host.sandbox(of: plan) != nil else { return }
        for path in plan.grants.all where !ProcFile.exists(path) {
            supervisor.log.note("\(path) is granted and does not exist; the program runs without it")
        }
    }
}
