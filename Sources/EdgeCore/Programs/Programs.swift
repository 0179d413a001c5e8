import Components
import Foundation
import GRPCCore
import HedgerowAPI
import Logging
import PKI
import RPCSupport
import ServiceLifecycle
import StreamStore
import Supervision
import SwiftProtobuf
import Synchronization

/// Runs the programs of the revision that runs, and nothing else: what a new revision brings is started, what it takes away
/// is ended, and what it leaves as it is goes on.
///
/// Where no revision has a program, none of it costs anything: the socket, the sandbox's trial and the keeper come with the
/// first.
final class Programs: Service {
    private struct State {
        var lanes: [String: ProgramLane] = [:]
        /// Until when an instance asks that an update waits, and why.
        var deferrals: [String: (until: Duration, reason: String)] = [:]
        /// Since when an update waits for instances.
        var waits: (since: Duration, instances: Set<String>)?
        var observers:
            [UInt64: (instance: String, continuation: AsyncStream<ComponentSituation>.Continuation)] = [:]
        var nextObserver: UInt64 = 0
        var isEnding = false
        var confinement: ConfinementReport?
        /// Why no program can run at all.
        var problem: String?
    }

    /// Most time that a program may ask for at once, and in all since an update was ready.
    static let longestDeferral = Duration.seconds(600)
    /// Most bytes of a text about a program that the cloud is told.
    static let maximumReason = 256

    let parts: CoreParts
    private let telemetry: TelemetryParts
    let clock: MonotonicClock
    private let state = Mutex(State())
    private let tokens = ComponentTokens()
    private let deferralsChanged = Signal()
    /// Set when the revision changed, or a lane ended.
    private let changed = Signal()
    private let folders: ProgramFolders
    /// What secrets programs get.
    let secrets: SecretKeeper
    private let statePath: String
    private let onNews: (@Sendable (ProgramNews) -> Void)?

    init(
        parts: CoreParts, telemetry: TelemetryParts, clock: MonotonicClock = .continuous,
        onNews: (@Sendable (ProgramNews) -> Void)? = nil
    ) {
        self.parts = parts
        self.telemetry = telemetry
        self.clock = clock
        self.onNews = onNews
        let state = StateDirectory(path: parts.configuration.statePath)
        statePath = Self.absolute(state.path)
        folders = ProgramFolders(path: statePath + "/programs")
        secrets = SecretKeeper(path: statePath + "/secrets", logger: parts.logger)
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    // MARK: Running

    func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in self.parts.revision.changes() { self.changed.signal() }
                }
                await self.runAll()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.end()
        }
    }

    /// Nothing is wanted any more: programs end in order, while what they talk to still answers.
    private func end() {
        let lanes = state.withLock { state in
            state.isEnding = true
            return Array(state.lanes.values)
        }
        for lane in lanes { lane.want(nil) }
        changed.signal()
    }

    private var isEnding: Bool { state.withLock { $0.isEnding } || Task.isCancelled }

    /// Time between two attempts, where programs cannot run at all.
    private static let retry = Duration.seconds(30)

    private func runAll() async {
        while !isEnding {
            // Nothing is begun before something is to run.
            if wantedComponents.isEmpty {
                await forgetRemoved()
                await changed.wait()
                continue
            }
            await runOnce()
            // It ended because the core does, or could not run.
            guard !isEnding else { return }
            await changed.wait(upTo: Self.retry, on: clock)
        }
    }

    private func runOnce() async {
        let host: ProgramHost
        let path: String
        do {
            host = try await ProgramHost.open(directory: folders.recordsPath, logger: parts.logger)
            path = try await BlockingIO.run { [statePath] in try ComponentServer.path(inState: statePath) }
        } catch {
            fail("programs cannot run on this core: \(error)")
            return
        }
        state.withLock { $0.confinement = host.confinement }
        let server = ComponentServer(
            path: path,
            services: [
                ComponentAPI(parts: telemetry, desk: self, clock: clock),
                ShadowServiceProvider(backend: CoreShadowBackend(parts: telemetry)),
            ], tokens: tokens,
            listening: Announced(), logger: parts.logger)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await host.run() }
            group.addTask {
                do {
                    try await server.run()
                } catch {
                    guard !Task.isCancelled else { return }
                    self.fail("the socket for components at \(path) cannot be served: \(error)")
                    server.listening.announce("")
                }
            }
            if let socket = try? await server.listening.value(), !socket.isEmpty {
                state.withLock { $0.problem = nil }
                await self.runLanes(host, socket: socket)
            }
            // Programs have ended: what they talked to, and what ends those that are left, may end too.
            group.cancelAll()
        }
    }

    private func fail(_ problem: String) {
        parts.logger.error("programs cannot run", metadata: ["error.message": "\(problem)"])
        state.withLock { $0.problem = problem }
        parts.activity.touch()
    }

    private func runLanes(_ host: ProgramHost, socket: String) async {
        let telemetry = telemetry
        let laneParts = ProgramLane.Parts(
            core: parts.name, host: host, folders: folders, artifacts: parts.artifacts, tokens: tokens,
            inboxes: telemetry.inboxes,
            usage: { instance in try await telemetry.read { try StoredInbox($0).usage(of: instance) } },
            socket: socket, group: { [revision = parts.revision] in revision.current?.group ?? "" },
            clock: clock, changed: { [activity = parts.activity] in activity.touch() }, onNews: onNews,
            logger: parts.logger)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.passArrivals() }
            while !self.isEnding {
                for lane in self.reconcile(laneParts) {
                    group.addTask {
                        await lane.run()
                        self.ended(lane)
                    }
                }
                self.tellSituations()
                await self.forgetRemoved()
                await self.changed.wait()
            }
            // The lanes go on until their programs have ended.
            await self.allEnded()
            group.cancelAll()
        }
    }

    private func allEnded() async {
        while !Task.isCancelled, !state.withLock({ $0.lanes.isEmpty }) { await changed.wait() }
    }

    /// The instances of the running revision that are programs.
    private var wantedComponents: [String: RunningComponent] {
        (parts.revision.running?.components ?? [:]).filter { $0.value.process != nil }
    }

    /// Tells every lane what is wanted of it; returns those that are new.
    private func reconcile(_ laneParts: ProgramLane.Parts) -> [ProgramLane] {
        let wanted = wantedComponents
        return state.withLock { state in
            guard !state.isEnding else { return [] }
            for (instance, lane) in state.lanes { lane.want(wanted[instance]) }
            var new: [ProgramLane] = []
            for (instance, component) in wanted where state.lanes[instance] == nil {
                let lane = ProgramLane(component, parts: laneParts)
                state.lanes[instance] = lane
                new.append(lane)
            }
            return new
        }
    }

    /// A lane has nothing more to run; where something is wanted again by now, it begins anew with the next change.
    private func ended(_ lane: ProgramLane) {
        state.withLock { state in
            if state.lanes[lane.instance] === lane { state.lanes[lane.instance] = nil }
            state.deferrals[lane.instance] = nil
        }
        parts.activity.touch()
        deferralsChanged.signal()
        changed.signal()
    }

    private func passArrivals() async {
        while !Task.isCancelled {
            let instances = telemetry.inboxes.takeArrivals()
            let lanes = state.withLock { state in instances.compactMap { state.lanes[$0] } }
            for lane in lanes { lane.arrivals.signal() }
            await telemetry.inboxes.arrived.wait()
        }
    }

    /// Drops the directories and inboxes of instances that neither the running revision nor the one to go back to has.
    private func forgetRemoved() async {
        // Where something cannot be read back, it is not known what is still needed.
        guard parts.revision.isSettled, parts.revision.damage == nil, let running = parts.revision.running,
            running.unusable.isEmpty
        else { return }
        var kept: [String: Set<String>?] = running.components.mapValues { [ProgramFolders.key(of: $0)] }
        if let previous = parts.revision.previous {
            guard let lock = try? RevisionCheck.lock(of: previous) else { return }
            for locked in lock {
                let key = ProgramFolders.key(recipe: locked.recipeDigest, artifacts: locked.artifacts)
                kept[locked.instance] = (kept[locked.instance] ?? []).map { $0.union([key]) }
            }
        }
        // What is being ended still uses what it has.
        for instance in state.withLock({ Array($0.lanes.keys) }) { kept[instance] = .some(nil) }
        do {
            let problems = try await BlockingIO.run { [folders, kept] in folders.clear(keeping: kept) }
            if let problem = problems.first { warnLeft(problem) }
            let left = try await telemetry.read { try StoredInbox($0).instances() }
            for instance in left.keys where kept[instance] == nil { try await dropInbox(of: instance) }
        } catch {
            guard !Task.isCancelled else { return }
            warnLeft("\(error)")
        }
    }

    private func warnLeft(_ problem: String) {
        parts.logger.warning(
            "what removed components left could not be cleared away",
            metadata: ["error.message": "\(problem)"])
    }

    private func dropInbox(of instance: String) async throws {
        let telemetry = telemetry
        let dropped = try await telemetry.commit { db in
            // A revision that has it again may have come in between, and messages with it.
            guard telemetry.table.component(instance) == nil else { return 0 }
            return try StoredInbox(db).removeAll(of: instance)
        }
        guard dropped > 0 else { return }
        telemetry.inboxes.forget(instance)
        parts.logger.warning(
            "a component was removed with messages in its inbox; they are dropped",
            metadata: ["component.instance": "\(instance)", "messages.count": "\(dropped)"])
    }

    // MARK: Status

    /// How an instance's program stands; nil where nothing is known yet.
    func state(of component: RunningComponent) -> (status: ProgramStatus?, problem: String?) {
        let (lane, problem) = state.withLock { ($0.lanes[component.instance], $0.problem) }
        if let problem { return (nil, problem) }
        return lane?.status(of: component.start) ?? (nil, nil)
    }

    /// Where programs take their messages from.
    var inboxes: Inboxes { telemetry.inboxes }

    /// The supervisor of an instance; nil where none runs now.
    func supervisor(of instance: String) -> ProgramSupervisor? {
        state.withLock { $0.lanes[instance] }?.supervisor
    }

    /// How an instance's program stands, for the cloud; nil for a transform.
    func report(of component: RunningComponent) -> Hedgerow_Type_V1_ProgramStatus? {
        guard component.process != nil else { return nil }
        let (lane, confinement) = state.withLock { ($0.lanes[component.instance], $0.confinement) }
        let (status, problem) = state(of: component)
        var report = Hedgerow_Type_V1_ProgramStatus()
        report.state = status.map { .init($0.state) } ?? .new
        report.reason = (problem ?? status?.reason ?? "").prefix(utf8: Self.maximumReason)
        report.lastExit = status?.exit.map { "\($0)" } ?? ""
        report.restarts = UInt64(clamping: status?.restarts ?? 0)
        report.confinement = (lane?.supervisor?.confinement ?? confinement?.sentence ?? "")
            .prefix(utf8: Self.maximumReason)
        if let sample = lane?.sample {
            report.inboxMessages = UInt64(clamping: sample.waiting)
            report.residentBytes = UInt64(clamping: sample.usage?.residentBytes ?? 0)
            report.cpuTime = Google_Protobuf_Duration(rounding: sample.usage?.cpuTime ?? .zero)
        }
        return report
    }

    /// What keeps programs in their bounds here; nil where none has run.
    var confinement: ConfinementReport? { state.withLock { $0.confinement } }
}

// MARK: - What programs ask

extension Programs: ComponentDesk {
    func configurations(of instance: String) -> AsyncStream<ComponentSituation> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ComponentSituation.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextObserver += 1
            state.observers[state.nextObserver] = (instance, continuation)
            return state.nextObserver
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.observers.removeValue(forKey: id) }
        }
        if let situation = situation(of: instance) {
            continuation.yield(situation)
        } else {
            continuation.finish()
        }
        return stream
    }

    private func situation(of instance: String) -> ComponentSituation? {
        guard let running = parts.revision.running, let component = running.components[instance] else {
            return nil
        }
        return ComponentSituation(
            configuration: component.configuration, group: running.revision.group,
            revision: running.revision.revision)
    }

    private func tellSituations() {
        for (instance, continuation) in state.withLock({ Array($0.observers.values) }) {
            if let situation = situation(of: instance) {
                continuation.yield(situation)
            } else {
                continuation.finish()
            }
        }
    }

    func reportHealth(of instance: String, isHealthy: Bool, reason: String) {
        supervisor(of: instance)?.reportHealth(isHealthy, reason: reason.isEmpty ? nil : reason)
    }

    func endOverdue(_ instance: String, cause: String) {
        parts.logger.warning(
            "a program had a message for too long and is restarted",
            metadata: ["component.instance": "\(instance)", "error.message": "\(cause)"])
        supervisor(of: instance)?.restart()
    }

    func secret(_ name: String) async throws -> [UInt8]? {
        guard let group = parts.revision.current?.group else { return nil }
        return try await secrets.value(of: name, in: group)
    }

    func deferUpdate(
        of instance: String, by time: Duration, reason: String
    ) throws -> (until: Date, isWaiting: Bool) {
        defer { deferralsChanged.signal() }
        let now = clock.now()
        let (until, isWaiting) = try state.withLock { state in
            let waits = state.waits.flatMap { $0.instances.contains(instance) ? $0 : nil }
            let until = now + time
            let last = (waits?.since ?? now) + Self.longestDeferral
            guard until <= last else {
                let left = max(last - now, .zero)
                throw HedgerowError(
                    .resourceExhausted, .quotaExceeded,
                    "component instance \"\(instance)\" may hold up an update for \(Self.longestDeferral) in all; "
                        + "\(left) are left")
            }
            state.deferrals[instance] = time > .zero ? (until, reason) : nil
            return (until, waits != nil)
        }
        return (parts.clock.now().addingTimeInterval((until - now) / .seconds(1)), isWaiting)
    }

    /// Returns when none of some instances asks any more that an update waits, after ``longestDeferral`` at the latest.
    ///
    /// - Throws: `CancellationError`.
    func waitForDeferrals(of instances: Set<String>, note: (String) -> Void) async throws {
        let since = clock.now()
        state.withLock { $0.waits = (since, instances) }
        defer { state.withLock { $0.waits = nil } }
        while true {
            try Task.checkCancellation()
            let now = clock.now()
            let holding = state.withLock { state in
                state.deferrals.filter { instances.contains($0.key) && $0.value.until > now }
            }.max { $0.value.until < $1.value.until }
            guard let holding, now - since < Self.longestDeferral else { return }
            note("component instance \"\(holding.key)\" asked to wait: \(holding.value.reason)")
            let left = min(holding.value.until, since + Self.longestDeferral) - now
            await deferralsChanged.wait(upTo: left, on: clock)
        }
    }
}
