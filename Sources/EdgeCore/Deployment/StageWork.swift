import Components
import Foundation
import GRDB
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import Supervision
import Transforms

/// What is done in each stage of a deployment.
struct StageWork: Sendable {
    let parts: DeploymentRunner.Parts
    let preparation: RevisionPreparation

    init(parts: DeploymentRunner.Parts) {
        self.parts = parts
        preparation = RevisionPreparation(
            core: parts.core, database: parts.database, commit: parts.commit,
            platform: parts.platform, logger: parts.logger)
    }

    /// Does a stage's work.
    ///
    /// - Returns: what came of it; nil where it was given up.
    func run(_ ticket: StageTicket) async -> StageTicket.Result? {
        do {
            if ticket.isRepair {
                try await fetch(ticket)
                return .verified(try await preparation.verified(try revision(of: ticket)))
            }
            switch ticket.record.progress.stage {
            case .fetch:
                try await fetch(ticket)
                return .completed
            case .verify: return .verified(try await verified(ticket))
            case .stage:
                let staged = try await staged(ticket)
                // The first message that asks for it must find a sample.
                if staged.components.contains(where: { $0.access.contains(.cpuTemperature) }) {
                    await parts.cpuTemperature.prepare()
                }
                _ = try RoutingTable(RunningRevision(staged.revision, components: staged.components))
                try await waitForPrograms(ticket, staged)
                // A later stage needs no more of it than this one had.
                return .verified(staged)
            case .switch: return .switched(isSettled: try await `switch`(ticket))
            case .settle:
                try await settle(ticket)
                return .completed
            case .back:
                try await goBack(ticket)
                return .completed
            }
        } catch is DeploymentRecord.Moved {
            return .moved
        } catch {
            if Task.isCancelled || error is CommitterClosed || error is CancellationError { return nil }
            return .failed(Self.sentence(error))
        }
    }

    private static func sentence(_ error: any Error) -> String {
        switch error {
        case let error as StagingProblem: error.description
        case let error as ArtifactProblem: error.description
        case let error as SettlingFailure: error.description
        case let error as ActiveRevision.NoWayBack: error.description
        case is StorageError, is DatabaseError: DeploymentDriver.sentence(error)
        default: "the revision could not be prepared: \(error)"
        }
    }

    private func revision(of ticket: StageTicket) throws -> Hedgerow_Type_V1_GroupRevision {
        guard let revision = ticket.record.revision else {
            throw StagingProblem(description: "the record of the deployment has no revision; deploy again")
        }
        return revision
    }

    // MARK: Before the switch

    /// Fetches what is missing, again and again until the stage's deadline: the cloud may be away for a while.
    private func fetch(_ ticket: StageTicket) async throws {
        let revision = try revision(of: ticket)
        var missing = try await preparation.missing(of: revision)
        var backoff = Backoff(
            initial: parts.timing.reconnect.first, maximum: parts.timing.reconnect.longest)
        while !missing.isEmpty {
            do {
                try await fetch(&missing, of: revision, noting: ticket, &backoff)
            } catch let error as RPCError where RevisionPreparation.isTransient(error) {
                try Task.checkCancellation()
                let trouble = "\(parts.dialer.explain(error))"
                ticket.note("recipes could not be fetched (\(trouble))")
                parts.logger.debug(
                    "recipes not fetched; trying again", metadata: ["error.message": "\(trouble)"])
                try await parts.clock.sleep(backoff.next())
            }
        }
        guard !ticket.isRepair else { return }
        try await fetchSecrets(ticket, of: revision)
        try await fetchArtifacts(ticket, of: revision)
    }

    /// Fetches over one connection until everything is there or a call fails.
    private func fetch(
        _ missing: inout [LockedComponent], of revision: Hedgerow_Type_V1_GroupRevision,
        noting ticket: StageTicket, _ backoff: inout Backoff
    ) async throws {
        try await waitForAttachment(ticket)
        let wanted = missing
        let (fetched, failure) = try await parts.dialer.withClient { client in
            let service = Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
            var fetched = 0
            for locked in wanted {
                do {
                    try await preparation.fetch(locked, of: revision) { locked in
                        var request = Hedgerow_Deployment_V1_GetRecipeRequest()
                        request.component = locked.component
                        request.version = locked.version.description
                        var options = CallOptions.defaults
                        options.timeout = parts.timing.recipe
                        return try await service.getRecipe(request, options: options)
                    }
                    fetched += 1
                } catch let error as RPCError {
                    return (fetched, error as RPCError?)
                }
            }
            return (fetched, nil)
        }
        missing.removeFirst(fetched)
        if fetched > 0 { backoff.reset() }
        if let failure { throw failure }
    }

    /// While the attachment cannot reach the cloud, nothing else can.
    func waitForAttachment(_ ticket: StageTicket) async throws {
        guard !parts.status.snapshot.isAttached else { return }
        ticket.note("the cloud could not be reached")
        try await parts.status.waitUntilAttached()
    }

    private func verified(_ ticket: StageTicket) async throws -> StagedRevision {
        let revision = try revision(of: ticket)
        let staged = try await preparation.verified(revision)
        try await verifyArtifacts(of: revision)
        return staged
    }

    /// What an earlier stage prepared; after a restart of the core, prepared again from its disk.
    private func staged(_ ticket: StageTicket) async throws -> StagedRevision {
        if let staged = ticket.staged { return staged }
        return try await verified(ticket)
    }

    /// Waits as long as programs that the switch would end or change ask for that.
    private func waitForPrograms(_ ticket: StageTicket, _ staged: StagedRevision) async throws {
        guard let programs = parts.programs, let running = parts.revision.running else { return }
        var touched = Self.changed(staged.revision, since: running.revision)
        touched.formUnion(Self.changed(running.revision, since: staged.revision))
        try await programs.waitForDeferrals(of: touched) { ticket.note($0) }
    }

    // MARK: The switch and after

    /// Makes the revision the one that runs.
    ///
    /// - Returns: whether nothing is to be watched.
    private func `switch`(_ ticket: StageTicket) async throws -> Bool {
        let staged = try await staged(ticket)
        let record = ticket.record
        let watched = Self.changed(
            staged.revision,
            since: parts.revision.isSettled ? parts.revision.current : parts.revision.previous)
        let watchesPrograms = staged.components.contains {
            $0.process != nil && watched.contains($0.instance)
        }
        let isSettled = watched.isEmpty || (record.settlingTime == .zero && !watchesPrograms)
        var next = record
        next.progress.handle(.switched(isSettled: isSettled))
        let removed = parts.revision.things.subtracting(staged.revision.things)
        let change = try parts.revision.switching(
            to: staged, deploymentID: record.id, isSettled: isSettled
        ) { [next] db in try next.replace(record, in: db) }
        try await parts.commit(true, change)
        cut(removed, by: staged.revision)
        return isSettled
    }

    private func settle(_ ticket: StageTicket) async throws {
        guard let running = parts.revision.running else { return }
        let names = Self.changed(running.revision, since: parts.revision.previous)
        let instances = names.sorted().compactMap { running.components[$0] }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for watch in parts.watches {
                group.addTask {
                    try await watch.settle(instances, of: running, for: ticket.record.settlingTime)
                }
            }
            try await group.waitForAll()
        }
    }

    private func goBack(_ ticket: StageTicket) async throws {
        let record = ticket.record
        guard let previous = parts.revision.previous else {
            throw ActiveRevision.NoWayBack(description: "there is no settled revision before it")
        }
        var next = record
        next.progress.handle(.completed)
        let removed = parts.revision.things.subtracting(previous.things)
        try await parts.commit(
            false, parts.revision.goingBack { [next] db in try next.replace(record, in: db) })
        cut(removed, by: previous)
        if parts.revision.running?.needsCPUTemperature == true { await parts.cpuTemperature.prepare() }
    }

    /// The instances that are new in a revision or differ by value from those of another one.
    static func changed(
        _ revision: Hedgerow_Type_V1_GroupRevision, since other: Hedgerow_Type_V1_GroupRevision?
    ) -> Set<String> {
        func contents(_ revision: Hedgerow_Type_V1_GroupRevision?) -> [String: InstanceContent] {
            var contents: [String: InstanceContent] = [:]
            for locked in revision?.lock ?? [] { contents[locked.instance, default: .init()].lock = locked }
            guard let revision else { return contents }
            for written in GroupDefinition.instances(of: revision).values {
                var instance = written.canonical
                // Which versions it could be is no matter: the lock says which one it is.
                instance.version = .any
                contents[instance.name, default: .init()].instance = instance
            }
            return contents
        }
        let before = contents(other)
        return Set(contents(revision).filter { before[$0.key] != $0.value }.keys)
    }

    private struct InstanceContent: Hashable {
        var lock = Hedgerow_Type_V1_LockedComponent()
        var instance: ComponentInstance?
    }

    /// Ends the calls of things that left the group.
    private func cut(_ things: Set<String>, by revision: Hedgerow_Type_V1_GroupRevision) {
        for thing in things {
            guard let principal = try? Principal(role: .thing, name: thing) else { continue }
            let reason = HedgerowError(
                .permissionDenied, .notInGroup,
                "the thing \"\(thing)\" was taken out of group \"\(revision.group)\" by revision \(revision.revision); "
                    + "ask the cloud for its cores again")
            parts.activeCalls.cancel(principal, reason: reason)
        }
    }
}
