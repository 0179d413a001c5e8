import Components
import FoundationEssentials
import GRDB
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import StreamStore
import Supervision
import Transforms

/// Decides what is done about deployments, one event after another, and keeps where the newest one is.
///
/// Each step is a transaction before it is a fact: what is said to the cloud is on disk. Whoever carries out the stages
/// (``DeploymentRunner``) is given a ticket for each.
struct DeploymentDriver {
    private let parts: DeploymentRunner.Parts
    private let logger: Logger
    /// The newest deployment; nil where there was none.
    private(set) var record: DeploymentRecord?
    private var ticket: StageTicket?
    private var staged: StagedRevision?
    private var repairBackoff: Backoff
    private var repairWait: Duration?
    /// Whether what runs, or is to run, has changed since the files that must stay were named.
    private var isRetentionDue = true
    /// Whether a deployment's step found no room on the disk since then.
    private var isDiskFull = false

    init(parts: DeploymentRunner.Parts) {
        self.parts = parts
        logger = parts.logger
        let reconnect = parts.timing.reconnect
        repairBackoff = Backoff(initial: reconnect.first, maximum: reconnect.longest)
    }

    // MARK: Starting

    /// Goes on where the core was when it ended.
    mutating func recover() async -> StageTicket? {
        do {
            try await parts.commit(false) { [logger] db in
                let damaged = try DeploymentRecord.newest(db).damaged
                guard damaged > 0 else { return }
                logger.error(
                    "records of deployments are damaged and were dropped; the cloud sends what it still wants",
                    metadata: ["records.count": "\(damaged)"])
            }
            record = try await parts.database.read { try DeploymentRecord.newest($0).record }
        } catch {
            logger.error("the record of deployments cannot be read", metadata: ["error.message": "\(error)"])
            return nil
        }
        guard let record, !record.progress.isOver else {
            if let record, isSound(record) { say(record) }
            return nil
        }
        var resumed = record
        if record.progress.stage.isAfterSwitch, parts.revision.current != record.revision {
            // What it switched to is damaged, and the revision before runs in its place.
            resumed.progress = DeploymentProgress(policy: record.progress.policy)
        } else {
            resumed.progress = noting(record.progress, .restarted)
        }
        logger.info("a deployment goes on", metadata: metadata(of: resumed))
        return await keep(resumed, instead: record)
    }

    /// Whether how a deployment ended is still so.
    private func isSound(_ record: DeploymentRecord) -> Bool {
        guard record.progress.outcome == .succeeded else { return true }
        return parts.revision.damage == nil && parts.revision.deploymentID == record.id
    }

    // MARK: Orders

    mutating func handle(_ order: DeploymentBoard.Order) async -> StageTicket? {
        switch order {
        case .run(let assignment): return await take(assignment)
        case .cancel(let cancellation): return await cancel(cancellation)
        case .attached:
            repairBackoff.reset()
            return repair()
        }
    }

    private mutating func take(
        _ assignment: Hedgerow_Deployment_V1_DeploymentAssignment
    ) async -> StageTicket? {
        let new: DeploymentRecord
        let known: DeploymentRecord?
        do {
            new = try DeploymentRecord(assignment)
            known = try await parts.database.read { try DeploymentRecord.find($0, id: new.id) }
        } catch {
            logger.error("a deployment cannot be taken", metadata: ["error.message": "\(error)"])
            return nil
        }
        if let record, record.isSame(as: new), !record.progress.isOver {
            // Delivered again: it is under way.
            say(record)
            return nil
        }
        if let known, known.isSame(as: new), let outcome = known.progress.outcome, outcome != .succeeded {
            say(known)
            return nil
        }
        let superseding = "deployment \(new.id) of revision \(assignment.revision.revision) took its place"
        // The lock is part of the revision: other versions of the components are a change.
        if let running = parts.revision.running, running.revision == assignment.revision,
            running.unusable.isEmpty, parts.revision.isSettled, parts.revision.damage == nil
        {
            var next: StageTicket?
            if record?.progress.isOver == false {
                endTicket()
                next = await move(.superseded(superseding))
                if let now = parts.revision.running, now.revision == assignment.revision {
                    // Nothing came between.
                } else {
                    // The one before switched in this moment.
                    return await begin(new, superseding: superseding)
                }
            }
            parts.board.say(
                .init(id: new.id, status: .succeeded, reason: "the core runs this revision already"))
            return next
        }
        return await begin(new, superseding: superseding)
    }

    /// Begins a deployment in the place of the one that is under way.
    private mutating func begin(_ new: DeploymentRecord, superseding reason: String) async -> StageTicket? {
        endTicket()
        let old = record.flatMap { $0.progress.isOver ? nil : $0 }
        var ended = old
        ended?.progress.handle(.superseded(reason))
        var begun = new
        for needsRoom in [true, false] {
            do {
                try await parts.commit(needsRoom) { [begun, ended] db in
                    if let old, let ended { try ended.replace(old, in: db) }
                    try begun.insert(db)
                }
                break
            } catch let error as DeploymentRecord.Moved {
                // The one before switched in this moment.
                logger.debug("deployment moved", metadata: ["error.message": "\(error)"])
                await reload()
                if let record, record.progress.isOver { say(record) }
                return await begin(new, superseding: reason)
            } catch {
                guard !Task.isCancelled else { return nil }
                noteFullDisk(error)
                begun.progress = noting(begun.progress, .failed(Self.sentence(error)))
            }
        }
        if let ended {
            logger.info("a newer deployment takes over", metadata: metadata(of: ended))
            say(ended)
        }
        record = begun
        staged = nil
        logger.info("a deployment begins", metadata: metadata(of: begun))
        return start()
    }

    private mutating func cancel(
        _ cancellation: Hedgerow_Deployment_V1_DeploymentCancellation
    ) async -> StageTicket? {
        let id = cancellation.deploymentID
        guard let record, record.id == id, !record.progress.isOver else {
            let known = try? await parts.database.read { try DeploymentRecord.find($0, id: id) }
            if let known {
                say(known)
            } else {
                parts.board.say(.init(id: id, status: .canceled, reason: "it never began on this core"))
            }
            return nil
        }
        guard record.progress.stage != .back else { return nil }
        endTicket()
        let reason =
            cancellation.reason.isEmpty ? "it was canceled" : "it was canceled: \(cancellation.reason)"
        let event = DeploymentProgress.Event.cancelled(String(reason.prefix(500)))
        let next = await move(event)
        guard let moved = self.record, moved.id == id, moved.progress.stage == .settle, !moved.progress.isOver
        else { return next }
        // It switched in this moment.
        endTicket()
        return await move(event)
    }

    // MARK: Stages

    /// What came of a stage.
    mutating func handle(_ result: StageTicket.Result, of ended: StageTicket) async -> StageTicket? {
        guard ended === ticket else { return nil }
        endTicket()
        if ended.isRepair { return await repaired(result) }
        switch result {
        case .completed:
            // It was written with what it did.
            guard record?.progress.stage != .back else { return await follow(.completed) }
            return await move(.completed)
        case .verified(let staged):
            self.staged = staged
            return await move(.completed)
        case .switched(let isSettled): return await follow(.switched(isSettled: isSettled))
        case .moved:
            await reload()
            return start()
        case .failed(let reason): return await move(.failed(reason))
        }
    }

    /// A stage was not over in time.
    mutating func handleOverdue(_ ended: StageTicket) async -> StageTicket? {
        guard ended === ticket else { return nil }
        endTicket()
        guard !ended.isRepair else { return nil }
        let trouble = ended.trouble.map { ": \($0)" } ?? ""
        return await move(
            .overdue(
                "the stage \(ended.record.progress.stage.rawValue) was not over within \(ended.limit)\(trouble)"
            ))
    }

    /// Notes an event and goes on.
    private mutating func move(_ event: DeploymentProgress.Event) async -> StageTicket? {
        guard let record else { return nil }
        var next = record
        next.progress = noting(record.progress, event)
        return await keep(next, instead: record)
    }

    /// Notes an event that is on disk already, and goes on.
    private mutating func follow(_ event: DeploymentProgress.Event) async -> StageTicket? {
        guard var next = record else { return nil }
        next.progress = noting(next.progress, event)
        record = next
        return start()
    }

    /// Writes where the deployment is now, and begins what is to be done there.
    private mutating func keep(
        _ next: DeploymentRecord, instead old: DeploymentRecord
    ) async -> StageTicket? {
        var next = next
        do {
            try await write(
                next, instead: old, needsRoom: !next.progress.isOver && next.progress.stage != .back)
        } catch is DeploymentRecord.Moved {
            await reload()
            return start()
        } catch {
            guard !Task.isCancelled, !(error is CommitterClosed) else { return nil }
            noteFullDisk(error)
            logger.error("a deployment's step was not stored", metadata: ["error.message": "\(error)"])
            if !next.progress.isOver {
                next.progress = noting(old.progress, .failed(Self.sentence(error)))
                do {
                    try await write(next, instead: old, needsRoom: false)
                } catch {
                    // It is over all the same. After a restart the core goes on from what it could write.
                    logger.error(
                        "the end of a deployment was not stored", metadata: ["error.message": "\(error)"])
                }
            }
        }
        record = next
        return start()
    }

    private func write(
        _ next: DeploymentRecord, instead old: DeploymentRecord, needsRoom: Bool
    ) async throws {
        let revision = parts.revision
        // What was watched to its end, or what the core stays on, is what it goes back to the next time.
        let settles = next.progress.isOver && !next.progress.wasSuperseded && !revision.isSettled
        try await parts.commit(needsRoom) { db in
            try next.replace(old, in: db)
            if settles { try revision.settle(db) }
            if next.progress.isOver, !old.progress.stage.isAfterSwitch { try revision.forgetFetched(db) }
        }
    }

    /// Begins what is to be done where the deployment is, or says how it ended.
    private mutating func start() -> StageTicket? {
        guard let record else { return nil }
        guard !record.progress.isOver else {
            staged = nil
            isRetentionDue = true
            tell(record)
            say(record)
            return repair()
        }
        let limit =
            parts.timing.limit(of: record.progress.stage, settlingTime: record.settlingTime)
            + programTime(in: record.progress.stage)
        let next = StageTicket(record, staged: staged, limit: limit, now: parts.clock.now())
        ticket = next
        say(record)
        return next
    }

    /// How much longer a stage may take because of programs: they may hold up the switch, and need time to start.
    private func programTime(in stage: DeploymentProgress.Stage) -> Duration {
        guard parts.programs != nil else { return .zero }
        switch stage {
        case .stage:
            let runsPrograms = parts.revision.running?.components.values.contains { $0.process != nil }
            return runsPrograms == true ? Programs.longestDeferral : .zero
        case .settle:
            return parts.revision.running?.components.values.compactMap { $0.process?.longestStart }.max()
                ?? .zero
        default: return .zero
        }
    }

    private mutating func endTicket() {
        ticket?.end()
        ticket = nil
    }

    /// Looks where the deployment is on disk, where that is not what was known.
    private mutating func reload() async {
        endTicket()
        staged = nil
        guard let id = record?.id else { return }
        record = try? await parts.database.read { try DeploymentRecord.find($0, id: id) }
        guard record == nil else { return }
        logger.error("the record of deployments cannot be read", metadata: ["deployment.id": "\(id)"])
        parts.board.say(
            .init(id: id, status: .failed, reason: "its record on the core's disk is damaged; deploy again"))
    }

    /// A progress after an event, with what is so on this core.
    private func noting(
        _ progress: DeploymentProgress, _ event: DeploymentProgress.Event
    ) -> DeploymentProgress {
        var progress = progress
        progress.canGoBack = parts.revision.previous != nil
        progress.runsUnsettled = !parts.revision.isSettled
        progress.handle(event)
        return progress
    }

    /// Whether the files that must stay are to be named again, once, and whether others may stay beside them.
    mutating func takeRetention() -> (isDue: Bool, keepsRest: Bool) {
        guard isRetentionDue else { return (false, true) }
        defer { (isRetentionDue, isDiskFull) = (false, false) }
        return (true, !isDiskFull)
    }

    private mutating func noteFullDisk(_ error: any Error) {
        if case StorageError.full = error { isDiskFull = true }
    }

    /// What is on its way.
    var underWay: Hedgerow_Type_V1_GroupRevision? {
        record.flatMap { $0.progress.isOver ? nil : $0.revision }
    }

    // MARK: Repair

    /// Fetches again what this core cannot read of the revision that it runs; the cloud believes it to run well.
    mutating func repair() -> StageTicket? {
        guard ticket == nil, record?.progress.isOver ?? true, let running = parts.revision.running,
            !running.unusable.isEmpty
        else { return nil }
        var assignment = Hedgerow_Deployment_V1_DeploymentAssignment()
        assignment.deploymentID = parts.revision.deploymentID
        assignment.revision = running.revision
        guard let record = try? DeploymentRecord(assignment) else { return nil }
        let next = StageTicket(
            record, staged: nil, limit: parts.timing.fetch, now: parts.clock.now(), isRepair: true)
        ticket = next
        return next
    }

    /// How long to wait before another repair is tried, once; nil where none is to be.
    mutating func takeRepairWait() -> Duration? {
        defer { repairWait = nil }
        return repairWait
    }

    private mutating func repaired(_ result: StageTicket.Result) async -> StageTicket? {
        switch result {
        case .verified(let staged):
            if staged.components.contains(where: { $0.access.contains(.cpuTemperature) }) {
                await parts.cpuTemperature.prepare()
            }
            parts.revision.repair(staged)
            logger.info("damaged recipes were replaced; the components run again")
        case .failed(let reason):
            logger.error(
                "damaged recipes could not be replaced yet", metadata: ["error.message": "\(reason)"])
            repairWait = repairBackoff.next()
        case .completed, .switched, .moved: break
        }
        return nil
    }

    // MARK: Saying

    private func say(_ record: DeploymentRecord) {
        let deadline = ticket.flatMap { $0.record.id == record.id ? $0.deadline : nil }
        parts.board.say(.init(record, deadline: deadline))
    }

    private func tell(_ record: DeploymentRecord) {
        let metadata = metadata(of: record)
        switch record.progress.outcome {
        case .succeeded?: logger.info("deployment runs", metadata: metadata)
        case .canceled?: logger.info("deployment canceled", metadata: metadata)
        case .rolledBack?: logger.error("deployment went back", metadata: metadata)
        case .failed?, nil: logger.error("deployment failed", metadata: metadata)
        }
    }

    private func metadata(of record: DeploymentRecord) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "deployment.id": "\(record.id)", "deployment.stage": "\(record.progress.stage.rawValue)",
        ]
        if let revision = record.revision {
            metadata["group.name"] = "\(revision.group)"
            metadata["revision"] = "\(revision.revision)"
        }
        if !record.progress.reason.isEmpty { metadata["error.message"] = "\(record.progress.reason)" }
        return metadata
    }

    /// An error of the disk as one sentence.
    static func sentence(_ error: any Error) -> String {
        switch error {
        case StorageError.full(let path):
            "the core's disk is full: there is no room for the new revision at \(path); free some and deploy again"
        default: "the core could not store it: \(error)"
        }
    }
}
