import Components
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Logging
import RPCSupport
import ShadowStore
import Shadows
import StreamStore
import Supervision
import SwiftProtobuf
import Synchronization

/// One stream on which shadows are synced, under one revision.
///
/// What is under way is bounded: ``maximumUnderWay`` documents without an answer, 1 MiB a message, and the core's share of
/// the line (``UplinkShare``), in which shadows count as a stream of the default priority: a backlog of telemetry does not
/// hold them up, and they do not hold up its live lane.
final class ShadowSyncSession: Sendable {
    typealias Request = Hedgerow_Shadow_V1_SyncShadowsRequest
    typealias Response = Hedgerow_Shadow_V1_SyncShadowsResponse

    /// Most documents that are under way without an answer.
    static let maximumUnderWay = 200
    /// Most documents of one message.
    static let maximumPerMessage = 100
    /// Bytes after which a message is sent without waiting for more.
    static let maximumMessageBytes = 1 << 20
    /// Bytes of conflicts that go with one message at most; others wait for the next.
    static let maximumConflictBytes = 256 << 10
    /// Most things asked about in one message.
    static let maximumReads = 1_000
    /// Most conflicts that wait to be told to the cloud; the oldest are only known here then.
    static let maximumConflicts = 1_000
    /// Weight of shadows on the line, against 1 of a stream.
    static let weight = 0.5
    /// When a document that could not be written is tried again, where it has not changed.
    static let retry = Duration.seconds(30)

    private let parts: TelemetryParts
    private let table: RoutingTable
    private let progress: ProgressFlag
    private let clock: MonotonicClock
    private let member: UplinkShare.Member
    private let state = Mutex(ShadowSyncState())
    private let wake = Signal()

    init(
        parts: TelemetryParts, table: RoutingTable, progress: ProgressFlag,
        clock: MonotonicClock = .continuous
    ) {
        self.parts = parts
        self.table = table
        self.progress = progress
        self.clock = clock
        member = parts.share.join()
    }

    func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async throws {
        defer { member.leave() }
        let position = try await parts.readShadows { try $0.cloudPosition() }
        try await Hedgerow_Shadow_V1_ShadowService.Client(wrapping: client).syncShadows { writer in
            try await self.produce(writer, position)
        } onResponse: { response in
            defer {
                self.state.withLock { $0.isFinished = true }
                self.wake.signal()
            }
            for try await message in response.messages { try await self.receive(message) }
        }
    }

    // MARK: Sending

    private func produce(
        _ writer: RPCWriter<Request>, _ position: (database: Data, takenChange: Int64)?
    ) async throws {
        var start = Request()
        start.start.core = parts.core
        start.start.group = table.group
        start.start.revision = table.revision
        start.start.database = position?.database ?? Data()
        start.start.takenChange = UInt64(clamping: position?.takenChange ?? 0)
        try await writer.write(start)
        let changed = parts.shadows.syncSignal
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    await changed.wait()
                    self.wake.signal()
                }
            }
            defer { group.cancelAll() }
            while !state.withLock({ $0.isFinished }) {
                try Task.checkCancellation()
                guard state.withLock({ $0.isStarted }) else {
                    await wake.wait()
                    continue
                }
                let (request, pushes, due) = try await next()
                if request != Request() {
                    try await send(request, pushes, writer)
                } else if let due {
                    await wake.wait(upTo: max(.milliseconds(1), due - clock.now()), on: clock)
                } else {
                    await wake.wait()
                }
            }
        }
    }

    private func send(_ request: Request, _ pushes: [ShadowSyncState.Push], _ writer: RPCWriter<Request>)
        async throws
    {
        if !pushes.isEmpty {
            let turn = try await member.turn(priority: StreamSettings().priority, weight: Self.weight)
            guard turn != nil else { throw CancellationError() }
            member.sent(
                request.writes.reduce(0) { $0 + $1.document.state.count + $1.document.metadata.count + 128 })
        }
        state.withLock { state in
            for (write, push) in zip(request.writes, pushes) {
                state.underWay[write.id] = push
                state.keys.insert(push.key)
            }
            if !pushes.isEmpty { state.messages.append(pushes.count) }
        }
        try await writer.write(request)
    }

    /// What is to be said next; empty where there is nothing, and when there may be something without a signal.
    private func next() async throws -> (request: Request, pushes: [ShadowSyncState.Push], due: Duration?) {
        var request = Request()
        let (reads, room) = state.withLock { state in
            let reads = Array(state.unasked.prefix(Self.maximumReads))
            state.unasked.removeFirst(reads.count)
            if state.taken > state.toldTaken {
                state.toldTaken = state.taken
                request.takenChange = UInt64(clamping: state.taken)
            }
            return (reads, Self.maximumUnderWay - state.underWay.count)
        }
        request.reads = reads.map { thing in .with { $0.thing = thing } }
        guard room > 0, try await isCaughtUp() else { return (request, [], nil) }
        let (pushes, due) = try await pushes(limit: min(room, Self.maximumPerMessage))
        request.writes = pushes.map(write)
        addConflicts(to: &request)
        return (request, pushes, due)
    }

    /// Whether everything was told that the cloud had when the stream began: only then it is known which of the documents
    /// that were sent before, and not answered, it took.
    private func isCaughtUp() async throws -> Bool {
        let (awaited, taken) = state.withLock { ($0.awaited, $0.taken) }
        guard let awaited else { return true }
        guard taken >= awaited else { return false }
        try await parts.commitShadows(author: ShadowSync.author, needsRoom: false) { try $0.forgetSent() }
        state.withLock { $0.awaited = nil }
        return true
    }

    private func write(_ push: ShadowSyncState.Push) -> Hedgerow_Shadow_V1_SyncWrite {
        var write = Hedgerow_Shadow_V1_SyncWrite()
        write.thing = push.key.thing
        write.name = push.key.name
        write.expectedIncarnation = Data(push.expected?.incarnation.bytes ?? [])
        write.expectedVersion = push.expected?.version ?? 0
        write.document = Hedgerow_Shadow_V1_SyncDocument(push.sent)
        write.id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return write
    }

    /// Adds what was decided, as much as one message may have: with the document that it led to, or by itself.
    private func addConflicts(to request: inout Request) {
        let writes = Dictionary(
            request.writes.enumerated().map { (Place($1.thing, $1.name), $0) },
            uniquingKeysWith: { first, _ in first })
        var (count, bytes) = (0, 0)
        state.withLock { state in
            while count < Self.maximumPerMessage, bytes < Self.maximumConflictBytes,
                let next = state.conflicts.popLast()
            {
                let conflict = Hedgerow_Shadow_V1_ShadowConflict(next.conflict)
                count += 1
                bytes +=
                    conflict.base.utf8.count + conflict.coreValue.utf8.count + conflict.cloudValue.utf8.count
                    + 256
                if let index = writes[Place(next.key.thing, next.key.name)] {
                    request.writes[index].conflicts.append(conflict)
                } else {
                    request.conflicts.append(
                        .with {
                            $0.thing = next.key.thing
                            $0.name = next.key.name
                            $0.conflict = conflict
                        })
                }
            }
        }
    }

    private struct Place: Hashable {
        let thing: String
        let name: String

        init(_ thing: String, _ name: String) { (self.thing, self.name) = (thing, name) }
    }

    /// Documents that the cloud lacks and may be sent now, noted as under way; and when others may be sent.
    private func pushes(limit: Int) async throws -> ([ShadowSyncState.Push], Duration?) {
        while true {
            try Task.checkCancellation()
            let (plan, now) = (table.shadows, clock.now())
            let choice = state.withLock { state in
                ShadowSyncChoice(
                    plan: plan, unread: state.unread, underWay: state.keys, exchanged: state.exchanged,
                    postponed: state.postponed, now: now)
            }
            // Most looks find nothing, and need no transaction.
            let (isAny, due) = try await parts.readShadows { shadows in
                var choice = choice
                let found = try shadows.dirty(limit: 1) { choice.takes($0) }
                return (!found.isEmpty, choice.due)
            }
            guard isAny else { return ([], due) }
            let page = try await page(choice, limit: limit)
            state.withLock { state in
                // Where more of a thing waits than goes into one message, the rest follows at once.
                for push in page.pushes where page.isLast && plan.isGathered(push.key.thing) {
                    state.exchanged[push.key.thing] = now
                }
            }
            // A page may be settled without anything to send, and others stand behind it.
            if !page.pushes.isEmpty { return (page.pushes, due) }
        }
    }

    /// The next documents that wait, as many as one message may have: noted as under way, or settled.
    private func page(
        _ choice: ShadowSyncChoice, limit: Int
    ) async throws -> (pushes: [ShadowSyncState.Push], isLast: Bool) {
        let core = parts.core
        return try await parts.commitShadows(author: ShadowSync.author) { shadows in
            var choice = choice
            var pushes: [ShadowSyncState.Push] = []
            var bytes = 0
            let found = try shadows.dirty(limit: limit, where: { choice.takes($0) })
            for (record, base) in found {
                guard let rule = choice.plan.rule(for: record.key.thing) else { continue }
                if base.isStray(record.shadow, direction: rule.direction) {
                    try shadows.takeBack(record.key, direction: rule.direction, core: core)
                } else if base.isDirty(record.shadow, direction: rule.direction) {
                    bytes += record.shadow.wireBytes
                    // The rest stays as it is, for the next message.
                    if bytes > Self.maximumMessageBytes, !pushes.isEmpty { return (pushes, false) }
                    try shadows.sending(record.shadow, of: record.key)
                    pushes.append(
                        ShadowSyncState.Push(
                            key: record.key, sent: record.shadow, expected: base.expected,
                            direction: rule.direction))
                } else {
                    try shadows.settle(record.key, version: record.shadow.shadowVersion)
                }
            }
            return (pushes, found.count < limit)
        }
    }

    // MARK: Receiving

    private func receive(_ response: Response) async throws {
        if response.hasStarted {
            try await begin(response.started)
        } else {
            try await take(response)
        }
        wake.signal()
    }

    private func begin(_ started: Hedgerow_Shadow_V1_SyncStarted) async throws {
        let plan = table.shadows
        let things = Set(plan.things)
        let (read, position) = try await parts.commitShadows(author: ShadowSync.author, needsRoom: false) {
            shadows in
            if try shadows.cloudPosition()?.database != started.database {
                try shadows.beginAnew(
                    database: started.database, newestChange: Int64(clamping: started.newestChange))
            }
            // What is not told any more, or was taken in another direction, has to be asked for.
            for (thing, direction) in try shadows.directionsRead()
            where plan.rule(for: thing)?.direction != direction {
                try shadows.forgetRead(thing: thing)
            }
            return (try shadows.thingsRead(), try shadows.cloudPosition()?.takenChange ?? 0)
        }
        state.withLock { state in
            state.isStarted = true
            state.awaited = Int64(clamping: started.newestChange)
            state.database = started.database
            state.unread = things.subtracting(read)
            state.unasked = state.unread.sorted()
            (state.taken, state.toldTaken) = (position, position)
        }
        progress.set()
    }

    /// Takes what a message says, all of it in one transaction: how far everything is taken must not be on disk before the
    /// answers that came with it.
    private func take(_ response: Response) async throws {
        let (plan, core) = (table.shadows, parts.core)
        let changes = try response.changes.map { try $0.cloudShadow() }
        let told = Int64(clamping: response.toldChange)
        let (database, answers, names) = state.withLock { state in
            for (key, _) in changes where state.unread.contains(key.thing) {
                state.told[key.thing, default: []].insert(key.name)
            }
            return (
                state.database,
                response.written.compactMap { answer in
                    state.underWay[answer.id].map { (answer: answer, push: $0) }
                },
                state.told
            )
        }
        let decided = try await parts.commitShadows(author: ShadowSync.author) { shadows in
            var decided: [ShadowSyncState.Decided] = []
            func note(_ key: ShadowKey, _ conflicts: [RecordedConflict]) {
                decided += conflicts.map { ShadowSyncState.Decided(key: key, conflict: $0) }
            }
            for (answer, push) in answers {
                switch answer.outcome {
                case .accepted(let accepted)?:
                    try shadows.accepted(
                        push.sent.shadowVersion, of: push.key, cloudVersion: accepted.version,
                        direction: push.direction)
                case .refused(let change)?:
                    let taken = try shadows.apply(
                        try change.cloudShadow().cloud, to: push.key, direction: push.direction, core: core,
                        isRefusal: true)
                    note(push.key, taken.conflicts)
                case .problem(let problem)? where !problem.retryable:
                    try shadows.fail(push.key, version: push.sent.shadowVersion, problem: problem.reason)
                case .problem: try shadows.notTaken(push.key)
                case nil: continue
                }
            }
            for (key, cloud) in changes {
                guard let rule = plan.rule(for: key.thing) else { continue }
                note(
                    key, try shadows.apply(cloud, to: key, direction: rule.direction, core: core).conflicts)
            }
            for read in response.read {
                guard let rule = plan.rule(for: read.thing) else { continue }
                try shadows.markRead(
                    thing: read.thing, direction: rule.direction, told: names[read.thing] ?? [], core: core)
            }
            if told > 0 { try shadows.setCloudPosition(database: database, takenChange: told) }
            return decided
        }
        let now = clock.now()
        let finished = state.withLock { state in
            state.taken = max(state.taken, told)
            for read in response.read {
                state.unread.remove(read.thing)
                state.told[read.thing] = nil
            }
            state.remember(decided)
            for (answer, push) in answers {
                state.underWay[answer.id] = nil
                state.keys.remove(push.key)
                state.postponed[push.key] = nil
                switch answer.outcome {
                case .problem(let problem)? where problem.retryable:
                    state.postponed[push.key] = now + Self.retry
                case .refused?: state.exchanged[push.key.thing] = nil
                default: continue
                }
            }
            return state.finish(response.written.count)
        }
        for _ in 0..<finished { member.acknowledged() }
    }
}
