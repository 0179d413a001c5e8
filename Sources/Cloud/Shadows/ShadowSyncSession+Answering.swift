import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import RPCSupport
import ShadowStore
import Shadows
import SwiftProtobuf

/// What the core is told.
extension ShadowSyncSession {
    /// Changes that are gathered for as long: they are looked at together.
    private struct Lane: Sendable {
        /// For how long changes are gathered, milliseconds.
        let interval: Int64
        /// Everything up to this number was told.
        var change: Int64
        /// When it is looked at next.
        var due = ContinuousClock.now
    }

    /// What this stream wrote, so that it is not told what it knows.
    private struct Own: Sendable {
        private(set) var changes: [ShadowKey: Int64] = [:]

        mutating func wrote(_ key: ShadowKey, _ change: Int64) { changes[key] = change }

        func contains(_ key: ShadowKey, _ change: Int64) -> Bool { changes[key] == change }

        /// Forgets what every lane has passed.
        mutating func forget(through change: Int64) {
            if changes.count > 1_000 { changes = changes.filter { $0.value > change } }
        }
    }

    /// Answers and tells until the call ends or the core is superseded.
    func answer(to writer: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>) async throws {
        await inbox.waitForStart()
        guard let begun = inbox.begun else { throw CancellationError() }
        var outbox = ShadowSyncOutbox(writer)
        let first = try await start(begun.start)
        try await outbox.start(first.started)
        var lanes = begun.selection.intervals.map { Lane(interval: $0, change: first.change) }
        var own = Own()
        var told = first.change
        while true {
            try Task.checkCancellation()
            let work = inbox.take()
            if work.isSuperseded { throw Self.superseded }
            var isBusy = !work.reads.isEmpty || !work.writes.isEmpty
            try await write(work, begun, &own, &outbox)
            for thing in work.reads { try await tell(everythingOf: thing, begun, &outbox) }
            for index in lanes.indices where lanes[index].due <= .now {
                if try await tell(&lanes[index], begun, own, &outbox) { isBusy = true }
            }
            let through = lanes.map(\.change).min() ?? told
            if through > told {
                told = through
                own.forget(through: through)
                outbox.setTold(told)
            }
            if !isBusy || !work.writes.isEmpty { try await outbox.flush() }
            if isBusy { continue }
            if let due = lanes.lazy.filter({ $0.interval > 0 }).map(\.due).min() {
                await begun.watcher.wait(upTo: max(.zero, ContinuousClock.now.duration(to: due)))
            } else {
                await begun.watcher.wait()
            }
        }
    }

    // MARK: The beginning

    /// Finds out where the core is.
    ///
    /// - Returns: what it is told first, and the number of the change that it is told the next ones behind.
    private func start(
        _ start: Hedgerow_Shadow_V1_SyncStart
    ) async throws -> (started: Hedgerow_Shadow_V1_SyncStarted, change: Int64) {
        let (core, inbox) = (core, inbox)
        return try await shadows.store.commit(author: "core:\(core)", needsRoom: false) { shadows in
            if inbox.isSuperseded { throw Self.superseded }
            let newest = try shadows.newestChange()
            let taken = Int64(clamping: start.takenChange)
            var knows = start.database == (try shadows.databaseName())
            if knows, taken > newest {
                // It took what is not there: this database was restored from an older copy.
                try shadows.rename()
                knows = false
            }
            try shadows.taken(knows ? taken : 0, by: core, group: start.group, isStart: true)
            let name = try shadows.databaseName()
            return (
                .with {
                    $0.database = name
                    $0.newestChange = UInt64(clamping: newest)
                },
                // One that knows nothing asks for everything that it wants.
                knows ? taken : newest
            )
        }
    }

    // MARK: Documents of the core

    private struct Write: Sendable {
        var id: UInt64
        var key: ShadowKey
        var sent: StoredShadow
        var expected: ShadowVersion?
        var conflicts: [RecordedConflict]
    }

    /// Stores what the core has taken, and writes what it sent, in one transaction.
    private func write(
        _ work: ShadowSyncInbox.Work, _ begun: ShadowSyncInbox.Begun, _ own: inout Own,
        _ outbox: inout ShadowSyncOutbox
    ) async throws {
        guard !work.writes.isEmpty || !work.conflicts.isEmpty || work.takenChange > 0 else { return }
        let prepared = work.writes.map { ($0, prepare($0, begun.selection)) }
        let writes = prepared.compactMap { try? $0.1.get() }
        let (core, group, taken) = (core, begun.start.group, Int64(clamping: work.takenChange))
        let inbox = inbox
        let conflicts = work.conflicts.compactMap { entry -> (ShadowKey, RecordedConflict)? in
            guard begun.selection.rules[entry.thing] != nil,
                let key = try? ShadowKey(thing: entry.thing, name: entry.name)
            else { return nil }
            return (key, RecordedConflict(entry.conflict, core: core))
        }
        // How far the core is may be forgotten in a power cut: it says so again.
        let isMore = !writes.isEmpty || !conflicts.isEmpty
        let outcomes = try await shadows.store.commit(
            author: "core:\(core)", needsRoom: isMore, isSynced: isMore
        ) { shadows in
            // Nothing of this stream after a newer one has begun.
            if inbox.isSuperseded { throw Self.superseded }
            if taken > 0 { try shadows.taken(taken, by: core, group: group) }
            for (key, conflict) in conflicts { try shadows.note([conflict], of: key) }
            return try writes.map { write in
                try shadows.write(
                    write.key, write.sent, of: core, expected: write.expected, conflicts: write.conflicts)
            }
        }
        var next = zip(writes, outcomes).makeIterator()
        var refused = 0
        for (request, write) in prepared {
            var answer = Hedgerow_Shadow_V1_SyncWritten()
            answer.id = request.id
            switch write {
            case .failure(let problem):
                answer.problem = problem.wire
            case .success:
                guard let (write, outcome) = next.next() else { break }
                switch outcome {
                case .accepted(let version, let change):
                    own.wrote(write.key, change)
                    answer.accepted = .with { $0.version = version }
                case .refused(let shadow):
                    refused += 1
                    answer.refused =
                        shadow.map { .init($0, isNews: false) }
                        ?? .with {
                            $0.thing = write.key.thing
                            $0.name = write.key.name
                        }
                case .problem(let reason):
                    answer.problem = .with { $0.reason = reason }
                }
            }
            try await outbox.add(answer)
        }
        shadows.metrics.count(refused: refused)
    }

    /// Why a document cannot be written.
    private struct Problem: Error {
        var reason: String
        var isRetryable = false

        var wire: Hedgerow_Shadow_V1_SyncProblem {
            .with {
                $0.reason = reason
                $0.retryable = isRetryable
            }
        }
    }

    private func prepare(
        _ write: Hedgerow_Shadow_V1_SyncWrite, _ selection: ShadowSyncSelection
    ) -> Result<Write, Problem> {
        guard let rule = selection.rules[write.thing] else {
            return .failure(
                Problem(
                    reason: "the shadows of \"\(write.thing)\" are not synced by this revision of the group",
                    isRetryable: true))
        }
        if rule.direction == .toEdge {
            return .failure(
                Problem(
                    reason: "the shadows of \"\(write.thing)\" are synced from the cloud to the core only",
                    isRetryable: true))
        }
        do {
            return .success(
                Write(
                    id: write.id, key: try ShadowKey(thing: write.thing, name: write.name),
                    sent: try write.document.shadow(),
                    expected: ShadowIncarnation(write.expectedIncarnation).map {
                        ShadowVersion(incarnation: $0, version: write.expectedVersion)
                    }, conflicts: write.conflicts.map { RecordedConflict($0, core: core) }))
        } catch {
            return .failure(Problem(reason: "the document cannot be read: \(error)"))
        }
    }

    // MARK: What the cloud has

    /// Tells everything of one thing.
    private func tell(
        everythingOf thing: String, _ begun: ShadowSyncInbox.Begun, _ outbox: inout ShadowSyncOutbox
    ) async throws {
        var last: String?
        var isAtEnd = begun.selection.rules[thing] == nil
        while !isAtEnd {
            let (core, after) = (core, last)
            let page = try await shadows.read {
                try $0.shadows(
                    of: thing, for: core, after: after, limit: ShadowSyncOutbox.maximumEntries)
            }
            for shadow in page.shadows { try await outbox.add(.init(shadow, isNews: false)) }
            shadows.metrics.count(told: page.shadows.count)
            last = page.shadows.last?.key.name ?? last
            isAtEnd = page.isAtEnd
        }
        try await outbox.add(read: thing)
    }

    /// Tells what changed, one page.
    ///
    /// - Returns: whether there may be more.
    private func tell(
        _ lane: inout Lane, _ begun: ShadowSyncInbox.Begun, _ own: Own, _ outbox: inout ShadowSyncOutbox
    ) async throws -> Bool {
        let (core, rules, interval, change) = (core, begun.selection.rules, lane.interval, lane.change)
        let page = try await shadows.read {
            try $0.changes(after: change, for: core, limit: ShadowSyncOutbox.maximumEntries) { key, change in
                rules[key.thing]?.interval.milliseconds == interval && !own.contains(key, change)
            }
        }
        for shadow in page.shadows { try await outbox.add(.init(shadow, isNews: true)) }
        shadows.metrics.count(told: page.shadows.count)
        lane.change = page.last
        if page.isAtEnd, interval > 0 { lane.due = .now + .milliseconds(interval) }
        return !page.isAtEnd
    }
}
