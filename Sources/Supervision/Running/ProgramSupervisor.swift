public import Logging
public import Messaging

/// Runs one program and keeps it running: installs, starts, watches, ends and restarts it.
///
/// ``run()`` does the work. The other functions may be called from anywhere at any time, also before it.
public final class ProgramSupervisor: Sendable {
    /// What is run.
    public let plan: ProgramPlan
    let host: ProgramHost
    let clock: MonotonicClock
    let backoff: Backoff
    let logger: Logger
    let desk: ProgramDesk
    let log: ProgramLog
    let live = LiveFamily()

    /// Takes what is to be run; nothing happens yet.
    ///
    /// - Parameters:
    ///   - plan: the program.
    ///   - host: what this machine can do.
    ///   - clock: of waits between starts and between health checks, and of the hour of calm. How long a
    ///     process may take to do something is always real time.
    ///   - backoff: the waits before a new start after an error, 1 s to 120 s by default.
    ///   - logger: of what the supervisor does; what the program writes goes into its own log.
    ///   - onLine: called for each line of the program's log, one after the other, on a thread of the log's.
    ///     It must be fast: the program waits for it.
    public init(
        plan: ProgramPlan, host: ProgramHost, clock: MonotonicClock = .continuous,
        backoff: Backoff = Backoff(), logger: Logger,
        onLine: (@Sendable (ProgramLine) -> Void)? = nil
    ) {
        self.plan = plan
        self.host = host
        self.clock = clock
        self.backoff = backoff
        var logger = logger
        logger[metadataKey: "instance"] = "\(plan.name)"
        self.logger = logger
        desk = ProgramDesk(ProgramStatus(state: .new, since: clock.now()))
        log = ProgramLog(
            instance: plan.name, path: "\(plan.directories.log)/\(plan.name).log", quota: plan.logQuota,
            logger: logger, onLine: onLine)
    }

    /// Runs the program until the task is cancelled. Then it is ended in order (`shutdown`, SIGTERM, SIGKILL
    /// after the deadline), with everything that it began, and only then this returns. One such call at a
    /// time.
    public func run() async {
        desk.settle { $0.isCancelled = false }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                var cycle = ProgramCycle(self)
                await cycle.run(&group)
                group.cancelAll()
            }
        } onCancel: {
            desk.wish { $0.isCancelled = true }
        }
        await log.finish()
    }

    /// What it is now.
    public var status: ProgramStatus { desk.status }

    /// What it is now, and each change. One who is slow misses older changes and never the newest. The stream
    /// does not end by itself.
    public func updates() -> AsyncStream<ProgramStatus> { desk.updates() }

    /// An on-demand program is needed from now on.
    public func start() { desk.wish { $0.isWanted = true } }

    /// An on-demand program is not needed any more: it is ended in order and INSTALLED.
    public func stop() { desk.wish { $0.isWanted = false } }

    /// Ends the program in order and starts it again, without waiting; also where it is FINISHED. Where it
    /// waits to be tried again it is tried now.
    public func restart() { desk.wish { $0.isRestart = true } }

    /// Forgets its errors and tries again now; with ``restart()`` the way out of BROKEN.
    public func reset() { desk.wish { $0.isReset = true } }

    /// What the program says of its health, where its plan has ``ProgramHealth`` without a command.
    ///
    /// - Parameters:
    ///   - isHealthy: whether it works.
    ///   - reason: why not.
    public func reportHealth(_ isHealthy: Bool, reason: String? = nil) {
        let now = clock.now()
        desk.wish { wishes in
            let number = (wishes.report?.number ?? 0) + 1
            wishes.report = HealthReport(isHealthy: isHealthy, reason: reason, at: now, number: number)
        }
    }

    /// The caller found that the program does not work, a handler that takes too long for example: an error
    /// like any other.
    ///
    /// - Parameter reason: what is wrong, for people.
    public func fail(_ reason: String) { desk.wish { $0.finding = reason } }

    /// What it uses of the machine now; nil where nothing of it runs. Looks at processes at most once a
    /// second.
    public func usage() async -> ProgramUsage? {
        guard let family = live.family else { return nil }
        return await family.usage()
    }

    /// The last lines of its log, oldest first, at most ``LineTail/maximumLines``; those before the core's
    /// start are in the file.
    public func tail(_ count: Int) -> [String] { log.last(count) }

    /// What bounds this program now, in one sentence.
    public var confinement: String {
        host.sandbox(of: plan) == nil
            ? "runs without a sandbox" : "runs in a sandbox (bubblewrap)"
    }
}
