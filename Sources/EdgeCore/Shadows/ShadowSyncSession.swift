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
    /// Most things asked about in one message.
    static let maximumReads = 1_000
    /// Weight of shadows on the line, against 1 of a stream.
    static let weight = 0.5
    /// When a document that could not be written is tried again, where it has not changed.
    static let retry = Duration.seconds(30)

    /// A document under way.
    struct Push: Sendable {
        let key: ShadowKey
        let sent: StoredShadow
        /// The version that the cloud has to have; nil where it has to have none.
        let expected: ShadowVersion?
        let direction: ShadowDirection
    }

    private struct State {
        var isStarted = false
        /// Number of the change up to which everything has to be told before anything is sent; nil once it is.
        var awaited: Int64? = 0
        var isFinished = false
        var nextID: UInt64 = 0
        var underWay: [UInt64: Push] = [:]
        var keys: Set<ShadowKey> = []
        /// Documents in each message without an answer, the oldest first.
        var messages: [Int] = []
        /// Things that are to be asked about.
        var unasked: [String] = []
        /// Those of which not everything was told: their documents would only be refused.
        var unread: Set<String> = []
        /// The cloud's database.
        var database = Data()
        /// What the cloud was told that is taken, and what is.
        var toldTaken: Int64 = 0
        var taken: Int64 = 0
        /// What was decided and the cloud is to learn, by shadow.
        var conflicts: [ShadowKey: [RecordedConflict]] = [:]
        /// When things with an interval exchanged last.
        var exchanged: [String: Duration] = [:]
        /// Documents that could not be written, and when they are tried again.
        var postponed: [ShadowKey: Duration] = [:]

        /// So many documents were answered; returns how many messages that ends.
        mutating func finish(_ count: Int) -> Int {
            var (left, finished) = (count, 0)
            while left > 0, let first = messages.first {
                let part = min(first, left)
                left -= part
                messages[0] = first - part
                if messages[0] == 0 {
                    messages.removeFirst()
                    finished += 1
                }
            }
            return finished
        }
    }

    private let parts: TelemetryParts
    private let table: RoutingTable
    private let progress: ProgressFlag
    private let clock: MonotonicClock
    private let member: UplinkShare.Member
    private let state = Mutex(State())
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

    private var isHome: Bool { table.shadows.home == parts.core }

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

    private func send(_ request: Request, _ pushes: [Push], _ writer: RPCWriter<Request>) async throws {
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
    private func next() async throws -> (request: Request, pushes: [Push], due: Duration?) {
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
        state.withLock { state in
            let rest = state.conflicts.filter { !state.keys.contains($0.key) }
            for (key, conflicts) in rest.prefix(Self.maximumPerMessage) {
                state.conflicts[key] = nil
                // At most 100 of a shadow are kept anyway.
                request.conflicts += conflicts.prefix(Self.maximumPerMessage).map { conflict in
                    .with {
                        $0.thing = key.thing
                        $0.name = key.name
                        $0.conflict = Hedgerow_Shadow_V1_ShadowConflict(conflict)
                    }
                }
                if request.conflicts.count >= Self.maximumPerMessage { break }
            }
        }
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

    private func write(_ push: Push) -> Hedgerow_Shadow_V1_SyncWrite {
        var write = Hedgerow_Shadow_V1_SyncWrite()
        write.thing = push.key.thing
        write.name = push.key.name
        write.expectedIncarnation = Data(push.expected?.incarnation.bytes ?? [])
        write.expectedVersion = push.expected?.version ?? 0
        write.document = Hedgerow_Shadow_V1_SyncDocument(push.sent)
        state.withLock { state in
            state.nextID += 1
            write.id = state.nextID
            if let conflicts = state.conflicts.removeValue(forKey: push.key) {
                write.conflicts = conflicts.map(Hedgerow_Shadow_V1_ShadowConflict.init)
            }
        }
        return write
    }

    /// Documents that the cloud lacks and may be sent now, noted as under way; and when others may be sent.
    private func pushes(limit: Int) async throws -> ([Push], Duration?) {
        let (plan, core, now) = (table.shadows, parts.core, clock.now())
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
        let pushes = try await parts.commitShadows(author: ShadowSync.author) { shadows in
            var choice = choice
            var pushes: [Push] = []
            var bytes = 0
            for (record, base) in try shadows.dirty(limit: limit, where: { choice.takes($0) }) {
                guard bytes < Self.maximumMessageBytes, let rule = plan.rule(for: record.key.thing) else {
                    continue
                }
                if base.isStray(record.shadow, direction: rule.direction) {
                    try shadows.takeBack(record.key, direction: rule.direction, core: core)
                } else if base.isDirty(record.shadow, direction: rule.direction) {
                    try shadows.sending(record.shadow, of: record.key)
                    bytes += record.shadow.document?.stateBytes ?? 0
                    pushes.append(
                        Push(
                            key: record.key, sent: record.shadow, expected: base.expected,
                            direction: rule.direction))
                } else if rule.direction != .toEdge {
                    try shadows.settle(record.key, version: record.shadow.shadowVersion)
                }
            }
            return pushes
        }
        state.withLock { state in
            for push in pushes where plan.rule(for: push.key.thing)?.interval.duration ?? .zero > .zero {
                state.exchanged[push.key.thing] = now
            }
        }
        return (pushes, due)
    }

    // MARK: Receiving

    private func receive(_ response: Response) async throws {
        if response.hasStarted {
            try await begin(response.started)
        } else {
            if !response.changes.isEmpty || !response.read.isEmpty || response.toldChange > 0 {
                try await take(response)
            }
            if !response.written.isEmpty { try await take(response.written) }
        }
        wake.signal()
    }

    private func begin(_ started: Hedgerow_Shadow_V1_SyncStarted) async throws {
        let things = isHome ? Set(table.shadows.things) : []
        let (read, position) = try await parts.commitShadows(author: ShadowSync.author, needsRoom: false) {
            shadows in
            if try shadows.cloudPosition()?.database != started.database {
                try shadows.beginAnew(
                    database: started.database, newestChange: Int64(clamping: started.newestChange))
            }
            // What is not told any more has to be asked for when it is synced again.
            for thing in try shadows.thingsRead().subtracting(things) { try shadows.forgetRead(thing: thing) }
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
        parts.shadows.isSyncing = true
    }

    private func take(_ response: Response) async throws {
        let (plan, core) = (table.shadows, parts.core)
        let database = state.withLock { $0.database }
        let told = Int64(clamping: response.toldChange)
        let changes = try response.changes.map { try $0.cloudShadow() }
        let decided = try await parts.commitShadows(author: ShadowSync.author) { shadows in
            var decided: [(ShadowKey, [RecordedConflict])] = []
            for (key, cloud) in changes {
                guard let rule = plan.rule(for: key.thing) else { continue }
                let conflicts = try shadows.apply(cloud, to: key, direction: rule.direction, core: core)
                    .conflicts
                if !conflicts.isEmpty { decided.append((key, conflicts)) }
            }
            for read in response.read { try shadows.markRead(thing: read.thing) }
            if told > 0 { try shadows.setCloudPosition(database: database, takenChange: told) }
            return decided
        }
        remember(decided)
        state.withLock { state in
            state.taken = max(state.taken, told)
            for read in response.read { state.unread.remove(read.thing) }
        }
    }

    private func take(_ answers: [Hedgerow_Shadow_V1_SyncWritten]) async throws {
        let known = state.withLock { state in
            answers.compactMap { answer in state.underWay[answer.id].map { (answer: answer, push: $0) } }
        }
        let core = parts.core
        let decided = try await parts.commitShadows(author: ShadowSync.author) { shadows in
            var decided: [(ShadowKey, [RecordedConflict])] = []
            for (answer, push) in known {
                switch answer.outcome {
                case .accepted(let accepted)?:
                    try shadows.accepted(
                        push.sent.shadowVersion, of: push.key, cloudVersion: accepted.version,
                        direction: push.direction)
                case .refused(let change)?:
                    let conflicts = try shadows.apply(
                        try change.cloudShadow().cloud, to: push.key, direction: push.direction, core: core,
                        isRefusal: true
                    ).conflicts
                    if !conflicts.isEmpty { decided.append((push.key, conflicts)) }
                case .problem(let problem)? where !problem.retryable:
                    try shadows.fail(push.key, version: push.sent.shadowVersion, problem: problem.reason)
                case .problem: try shadows.notTaken(push.key)
                case nil: continue
                }
            }
            return decided
        }
        remember(decided)
        let now = clock.now()
        let finished = state.withLock { state in
            for (answer, push) in known {
                state.underWay[answer.id] = nil
                state.keys.remove(push.key)
                state.postponed[push.key] = nil
                if case .problem(let problem)? = answer.outcome, problem.retryable {
                    state.postponed[push.key] = now + Self.retry
                }
            }
            return state.finish(answers.count)
        }
        for _ in 0..<finished { member.acknowledged() }
    }

    private func remember(_ decided: [(ShadowKey, [RecordedConflict])]) {
        state.withLock { state in
            for (key, conflicts) in decided {
                state.conflicts[key] = (state.conflicts[key] ?? []) + conflicts
                // Those of one shadow are bounded, and a core has only so many shadows.
                state.conflicts[key] = state.conflicts[key]?.suffix(ShadowTransaction.conflictsKept)
            }
        }
    }
}
