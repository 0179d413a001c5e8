import Logging

extension ProgramCycle {
    /// How a hook went.
    enum HookResult {
        case done
        /// Why not, as a sentence with the hook's name.
        case failed(String)
        /// The supervisor was cancelled meanwhile.
        case interrupted
    }

    /// Runs a hook to its end, in a scope of its own. What it leaves running is ended.
    ///
    /// - Parameter isInterruptible: whether cancellation ends it.
    mutating func run(
        _ name: String, _ hook: ProgramHook, isInterruptible: Bool, _ group: inout DiscardingTaskGroup
    ) async -> HookResult {
        let scope = await ProgramScope(plan, host: supervisor.host, purpose: name)
        let process = await begin(hook.arguments, scope, &group)
        let result = await outcome(of: process, name, hook, isInterruptible: isInterruptible)
        await kill(scope, process)
        return result
    }

    /// Waits for a hook that was begun; it still runs where it failed by taking too long.
    func outcome(
        of process: ProgramProcess, _ name: String, _ hook: ProgramHook, isInterruptible: Bool
    ) async -> HookResult {
        let alarm = desk.bell.alarm(after: hook.timeout)
        while true {
            if let failure = process.failure { return .failed("`\(name)` could not be started: \(failure)") }
            if let exit = process.exit {
                if exit == .code(0) { return .done }
                return .failed("`\(name)` \(Self.ended(exit))")
            }
            if alarm.isPast { return .failed("`\(name)` did not end within \(hook.timeout.inWords)") }
            if isInterruptible, desk.wishes.isCancelled { return .interrupted }
            await desk.bell.heard()
        }
    }

    /// Starts a process in a scope, with its output in the log.
    func begin(
        _ command: [String], _ scope: ProgramScope, _ group: inout DiscardingTaskGroup
    ) async -> ProgramProcess {
        let launch = await Blocking.run { scope.builder.launch(command, marker: scope.marker) }
        let process = ProgramProcess(launch, marker: scope.marker, bell: desk.bell)
        do {
            let output = try supervisor.log.pipe()
            group.addTask { await process.run(output: output) }
        } catch {
            process.fail("\(error)")
        }
        return process
    }

    /// Kills what is left of a scope, and waits for the process that leads it.
    func kill(_ scope: ProgramScope, _ leader: ProgramProcess?) async {
        // A process that is being started cannot be killed yet.
        while let leader, leader.pid == nil, !leader.isOver { await desk.bell.heard() }
        let left = await scope.family(leader: leader?.pid).kill()
        if !left.isEmpty {
            supervisor.logger.error(
                "processes of a component cannot be ended",
                metadata: ["pids": "\(left.map { String($0.pid) }.joined(separator: " "))"])
        } else {
            while let leader, !leader.isOver { await desk.bell.heard() }
        }
        await scope.close()
    }

    /// How a process ended, for people.
    static func ended(_ exit: ProgramExit) -> String {
        switch exit {
        case .code(125):
            "ended with code 125: its control group could not be entered or its limits not be set"
        case .code(127): "ended with code 127: the command, or one that it needs, was not found"
        case .code(let code) where code > 128 && code <= 128 + 31:
            "ended with code \(code), as after \(ProgramExit.signal(code - 128))"
        case .code(let code): "ended with code \(code)"
        case .signal: "was ended by \(exit)"
        }
    }
}
