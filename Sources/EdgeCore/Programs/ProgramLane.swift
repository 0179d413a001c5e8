import Components
import Foundation
import HedgerowAPI
import Logging
import PKI
import RPCSupport
import StreamStore
import Supervision
import Synchronization

/// Runs the programs of one instance, one after the other: the next begins when the one before has ended.
final class ProgramLane: Sendable {
    /// What a lane needs.
    struct Parts: Sendable {
        let core: String
        let host: ProgramHost
        let folders: ProgramFolders
        let artifacts: ArtifactStore
        let tokens: ComponentTokens
        let inboxes: Inboxes
        let usage: @Sendable (String) async throws -> StoredInbox.Usage
        /// Where programs find the core.
        let socket: String
        let group: @Sendable () -> String
        let clock: MonotonicClock
        /// Something about a program is other than it was.
        let changed: @Sendable () -> Void
        /// What programs write and how they stand, for somebody who watches.
        let onNews: (@Sendable (ProgramNews) -> Void)?
        let logger: Logger
    }

    private struct State {
        var wanted: RunningComponent?
        var current: RunningComponent?
        var supervisor: ProgramSupervisor?
        /// Why nothing runs, where that is not the supervisor's to say.
        var problem: String?
        var sample = Sample()
        /// What somebody who watches was told last.
        var told: ProgramNews?
    }

    /// What a program used, and what waits for it, when that was last looked at.
    struct Sample: Sendable {
        var usage: ProgramUsage?
        var waiting = 0
    }

    /// Time between two looks at what a program uses.
    static let sampling = Duration.seconds(10)

    /// Waits between two attempts to prepare what a program needs.
    static let retry = Duration.seconds(30)

    let instance: String
    private let parts: Parts
    private let state: Mutex<State>
    private let wishes = Signal()
    /// Set when something came into the inbox of an on-demand program.
    let arrivals = Signal()

    init(_ component: RunningComponent, parts: Parts) {
        instance = component.instance
        self.parts = parts
        state = Mutex(State(wanted: component))
    }

    // MARK: What others see

    /// Names what is to run; nil for nothing.
    func want(_ component: RunningComponent?) {
        state.withLock { $0.wanted = component }
        wishes.signal()
    }

    /// What is to run.
    var wanted: RunningComponent? { state.withLock { $0.wanted } }

    /// The supervisor of what runs; nil between two.
    var supervisor: ProgramSupervisor? { state.withLock { $0.supervisor } }

    /// How the wanted program stands: nil where it has not begun yet.
    ///
    /// - Parameter start: the start of the wanted one (``RunningComponent/start``).
    func status(of start: UInt64) -> (status: ProgramStatus?, problem: String?) {
        state.withLock { state in
            guard state.current?.start == start else { return (nil, nil) }
            return (state.supervisor?.status, state.problem)
        }
    }

    /// What the program used when that was last looked at.
    var sample: Sample { state.withLock { $0.sample } }

    // MARK: Running

    /// Runs what is wanted until nothing is, or the task is cancelled.
    func run() async {
        while !Task.isCancelled, let component = wanted { await run(component) }
    }

    private func run(_ component: RunningComponent) async {
        guard let definition = component.process else { return }
        state.withLock { ($0.current, $0.supervisor, $0.problem) = (component, nil, nil) }
        do {
            try await prepare(component)
        } catch {
            let problem = "its directory could not be prepared: \(error)"
            parts.logger.error(
                "a program cannot be run",
                metadata: ["component.instance": "\(instance)", "error.message": "\(error)"])
            state.withLock { $0.problem = problem }
            parts.changed()
            await waitForAnother(than: component, upTo: Self.retry)
            return
        }
        let (token, caller) = parts.tokens.issue(for: component)
        defer { parts.tokens.withdraw(caller) }
        let plan = ProgramPlan(
            component, definition, in: parts.folders.directories(of: component), socket: parts.socket,
            variables: variables(of: component, token: token))
        if let refusal = parts.host.refusal(of: plan) {
            state.withLock { $0.problem = refusal }
            parts.changed()
            await waitForAnother(than: component)
            return
        }
        let supervisor = ProgramSupervisor(
            plan: plan, host: parts.host, clock: parts.clock, logger: parts.logger,
            onLine: parts.onNews.map(Self.lines))
        state.withLock { $0.supervisor = supervisor }
        parts.changed()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await supervisor.run() }
            group.addTask { await self.waitForAnother(than: component) }
            // These go on until they are cancelled.
            group.addTask {
                for await status in supervisor.updates() {
                    self.parts.changed()
                    self.tell(status)
                }
            }
            group.addTask { await self.takeSamples(supervisor) }
            if definition.mode == .onDemand {
                group.addTask { await self.serveDemand(supervisor, idle: definition.idleTimeout.duration) }
            }
            await group.next()
            group.cancelAll()
        }
        // It was asked to end: what it had in hand is no sign against that.
        parts.inboxes.forgive(instance)
        state.withLock { $0.supervisor = nil }
        parts.changed()
    }

    private static func lines(
        _ onNews: @escaping @Sendable (ProgramNews) -> Void
    ) -> @Sendable (ProgramLine) -> Void {
        { line in onNews(.line(instance: line.instance, text: line.text)) }
    }

    private func tell(_ status: ProgramStatus) {
        let news = ProgramNews.state(
            instance: instance, state: status.state.rawValue, reason: status.reason ?? "")
        // The cloud is told more of it; who watches is told what is another state.
        let isNew = state.withLock { state in
            defer { state.told = news }
            return state.told != news
        }
        if isNew { parts.onNews?(news) }
    }

    /// Looks now and then at what the program uses.
    private func takeSamples(_ supervisor: ProgramSupervisor) async {
        var looks = 0
        while !Task.isCancelled {
            let usage = await supervisor.usage()
            let waiting = (try? await parts.usage(instance).messages) ?? 0
            state.withLock { $0.sample = Sample(usage: usage, waiting: waiting) }
            looks += 1
            // Often enough for people, seldom enough for a metered line.
            if looks % 6 == 1 { parts.changed() }
            try? await parts.clock.sleep(Self.sampling)
        }
    }

    /// Returns when something else is wanted.
    private func waitForAnother(than component: RunningComponent, upTo limit: Duration? = nil) async {
        let isOther = { [self] in
            guard let wanted else { return true }
            return wanted.start != component.start
        }
        while !Task.isCancelled, !isOther() {
            guard let limit else {
                await wishes.wait()
                continue
            }
            await wishes.wait(upTo: limit, on: parts.clock)
            return
        }
    }

    // MARK: On demand

    /// Starts the program when something waits for it, and ends it when nothing did for a time.
    private func serveDemand(_ supervisor: ProgramSupervisor, idle: Duration) async {
        while !Task.isCancelled {
            if await isWaitedFor() {
                supervisor.start()
                guard idle > .zero else { return await stay(supervisor) }
                await waitUntilIdle(supervisor, idle)
                if Task.isCancelled { return }
                supervisor.stop()
            } else {
                await arrivals.wait()
            }
        }
    }

    private func waitUntilIdle(_ supervisor: ProgramSupervisor, _ idle: Duration) async {
        var last = parts.clock.now()
        while !Task.isCancelled {
            let left = last + idle - parts.clock.now()
            guard left > .zero else { return }
            await arrivals.wait(upTo: left, on: parts.clock)
            guard await isWaitedFor() else { continue }
            // One that ended by itself is started again.
            supervisor.start()
            last = parts.clock.now()
        }
    }

    private func stay(_ supervisor: ProgramSupervisor) async {
        while !Task.isCancelled {
            await arrivals.wait()
            if await isWaitedFor() { supervisor.start() }
        }
    }

    private func isWaitedFor() async -> Bool {
        if parts.inboxes.hasTransient(instance) { return true }
        do {
            return try await parts.usage(instance).messages > 0
        } catch {
            // A program too many is better than messages that nobody takes.
            return !Task.isCancelled
        }
    }

    // MARK: What it runs with

    private func prepare(_ component: RunningComponent) async throws {
        guard !instance.hasPrefix(".") else {
            throw ProgramProblem(
                description:
                    "the name of a program's instance cannot begin with a dot, as it is that of a directory; "
                    + "give it another name in the group")
        }
        let missing = await parts.artifacts.missing(component.artifacts)
        guard missing.isEmpty else {
            let names = missing.map { "\"\($0.name)\"" }.joined(separator: ", ")
            throw ProgramProblem(
                description: "\(names) is missing or damaged on this core's disk; deploy again")
        }
        let (folders, artifacts) = (parts.folders, parts.artifacts)
        try await BlockingIO.run {
            try folders.prepare(component) { artifacts.filePath($0) }
        }
    }

    private func variables(of component: RunningComponent, token: String) -> [String: String] {
        var variables = [
            "HEDGEROW_SOCKET": parts.socket, "HEDGEROW_TOKEN": token, "HEDGEROW_INSTANCE": instance,
            "HEDGEROW_COMPONENT": component.component, "HEDGEROW_VERSION": component.version,
            "HEDGEROW_CORE": parts.core, "HEDGEROW_GROUP": parts.group(),
            "HEDGEROW_DATA": parts.folders.directories(of: component).data,
        ]
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let json = try? encoder.encode(component.configuration) {
            variables["HEDGEROW_CONFIGURATION"] = String(decoding: json, as: UTF8.self)
        }
        return variables
    }
}
