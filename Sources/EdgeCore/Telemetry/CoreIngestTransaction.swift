import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf

/// What the core does with a thing's items inside one transaction: cursor, streams, queues and the account of
/// what goes nowhere change together or not at all (semantics, section 2).
///
/// Coverage: the cloud is told about every sequence of a thing. A batch that goes to a stream covers what the
/// thing published before it and no route led to the cloud; what is refused or lost gets an account of its own.
struct CoreIngestTransaction {
    /// What the transaction did.
    struct Result: Sendable {
        var outcome: IngestOutcome
        /// Streams that have something new.
        var wokenStreams: Set<String> = []
        /// Things whose queues have something new.
        var wokenThings: Set<String> = []
        /// Messages for whoever of these things listens at QoS 0.
        var live: [(thing: String, records: [MessageRecord])] = []
        /// QoS 0 messages on their way to the cloud, by stream.
        var transient: [(stream: String, publication: Publication, bytes: Int)] = []
        /// Messages that a full stream overwrote.
        var overwritten: UInt64 = 0
    }

    /// When a publisher whose stream is full is to be looked at again.
    static let pause = Duration.milliseconds(500)
    /// Unrouted messages after which the cloud is told, without waiting for a routed one.
    static let maximumUncovered: UInt64 = 1_000

    let db: Database
    let session: IngestSession
    let router: Router
    let table: RoutingTable
    /// The epoch of this core's process.
    let epoch: Epoch
    let core: String
    let now: Int64
    let isClockDoubtful: Bool

    private var thing: String { session.publisher.name }
    private var publisher: String { session.publisher.description }
    private var streams: DurableStreams { DurableStreams(db) }
    private var coverage: CoverageTable { CoverageTable(db) }

    /// Finds or makes the session's cursor, and gives account of what lies before the oldest that is left.
    func open() throws -> (resumeAfter: UInt64, wokenStreams: Set<String>) {
        if let other = try PublisherCursors.otherStream(
            db, publisher: publisher, stream: session.stream, epoch: session.epoch)
        {
            throw SessionRegistry.sharedEpoch(session, with: other)
        }
        let known = try PublisherCursors.cursor(
            db, publisher: publisher, stream: session.stream, epoch: session.epoch)
        guard let known else {
            let cursor = session.oldestSequence - 1
            try save(cursor)
            try saveCovered(cursor)
            try PublisherCursors.prune(db, publisher: publisher, stream: session.stream)
            try coverage.prune(thing: coverageName)
            return (cursor, [])
        }
        guard let lost = SequenceRange(known + 1, session.oldestSequence - 1) else { return (known, []) }
        var covered = try currentCoverage(cursor: known)
        try account(for: lost, reason: .notResent, covered: &covered)
        try save(lost.last)
        try saveCovered(covered)
        return (lost.last, [Self.accountStream])
    }

    /// Takes items in order.
    func ingest(_ items: [IngestItem]) throws -> Result {
        let known = try PublisherCursors.cursor(
            db, publisher: publisher, stream: session.stream, epoch: session.epoch)
        let start = known ?? session.oldestSequence - 1
        var sequencer = IngestSequencer(cursor: start)
        let coveredBefore = try currentCoverage(cursor: start)
        var covered = coveredBefore
        var result = Result(outcome: IngestOutcome(acknowledged: start))
        loop: for (index, item) in items.enumerated() {
            switch sequencer.step(for: item.positions) {
            case .gap(let expected):
                result.outcome.failure = IngestSequencer.gapError(
                    expected: expected, got: item.positions?.first ?? 0)
                break loop
            case .repeated:
                continue loop
            case .unsequenced:
                if case .messages(let publication) = item { try takeUnsequenced(publication, into: &result) }
            case .new(let first):
                guard try take(item, from: first, covered: &covered, into: &result) else {
                    result.outcome.pause = .init(reason: .queueFull, retryAfter: Self.pause)
                    result.outcome.remainder = Array(items[index...])
                    break loop
                }
            }
            sequencer.advance(past: item.positions)
        }
        if let open = SequenceRange(covered + 1, sequencer.cursor), open.count >= Self.maximumUncovered {
            try account(for: open, reason: .notRoutedToCloud, covered: &covered)
            result.wokenStreams.insert(Self.accountStream)
        }
        if sequencer.cursor != known { try save(sequencer.cursor) }
        if covered != coveredBefore { try saveCovered(covered) }
        result.outcome.acknowledged = sequencer.cursor
        return result
    }

    /// Gives account of what no route led to the cloud, when the publisher has gone.
    func close() throws -> Set<String> {
        guard
            let cursor = try PublisherCursors.cursor(
                db, publisher: publisher, stream: session.stream, epoch: session.epoch)
        else { return [] }
        var covered = try currentCoverage(cursor: cursor)
        guard let open = SequenceRange(covered + 1, cursor) else { return [] }
        try account(for: open, reason: .notRoutedToCloud, covered: &covered)
        try saveCovered(covered)
        return [Self.accountStream]
    }

    // MARK: Items

    /// Takes one item whose sequences from `first` on are new; false where a target is full.
    private func take(
        _ item: IngestItem, from first: UInt64, covered: inout UInt64, into result: inout Result
    ) throws -> Bool {
        switch item {
        case .lost(let loss):
            guard let range = SequenceRange(first, loss.positions.last) else { return true }
            try account(for: range, reason: loss.reason, covered: &covered)
            result.wokenStreams.insert(Self.accountStream)
            return true
        case .messages(let publication):
            guard let positions = publication.positions, let new = SequenceRange(first, positions.last) else {
                return true
            }
            let checked: IngestCheck
            do throws(IncomingPublication.Refusal) {
                checked = try check(publication)
            } catch {
                try reject(new, error, covered: &covered, into: &result)
                return true
            }
            return try store(
                checked, publication: publication, positions: positions, new: new, covered: &covered,
                into: &result)
        }
    }

    /// A publication that may go where the routes lead it.
    private struct IngestCheck {
        let content: IncomingPublication.Checked
        let route: Route
    }

    private func check(_ publication: IncomingPublication) throws(IncomingPublication.Refusal) -> IngestCheck
    {
        if let origin = publication.origin, origin.thing != thing || origin.epoch != Data(session.epoch.bytes)
        {
            throw .init(
                .originNotAllowed,
                "thing \"\(thing)\" may publish only in its own name, not as \"\(origin.thing)\"")
        }
        let content = try publication.content.get()
        let route = router.route(from: thing, topic: content.topic, by: table)
        guard !route.isEmpty else {
            throw .init(
                .noRoute,
                "no deployed subscription takes topic \"\(content.topic)\" from thing \"\(thing)\" "
                    + "(revision \(table.revision)); add one to the group and deploy it")
        }
        return IngestCheck(content: content, route: route)
    }

    private func store(
        _ checked: IngestCheck, publication: IncomingPublication, positions: SequenceRange,
        new: SequenceRange,
        covered: inout UInt64, into result: inout Result
    ) throws -> Bool {
        let skip = Int(new.first - positions.first)
        let rows = skip..<publication.count
        let batch = skip == 0 ? checked.content.batch : checked.content.batch.selecting(rows)
        let encoded: [UInt8] = skip == 0 ? checked.content.encoded : try batch.serializedBytes()

        // Everything that can say no is asked before anything is written: all durable targets or none.
        for name in checked.route.streams {
            let limits = table.limits(of: name)
            guard Int64(encoded.count) <= limits.maximumBytes else {
                let refusal = IncomingPublication.Refusal(
                    .messageTooLarge,
                    "\(encoded.count) bytes do not fit into stream \"\(name)\" of \(limits.maximumBytes)")
                try reject(new, refusal, covered: &covered, into: &result)
                return true
            }
            if !limits.overwritesOldest,
                try streams.bytes(in: name) + Int64(encoded.count) > limits.maximumBytes
            {
                return false
            }
        }
        if !checked.route.streams.isEmpty, let range = SequenceRange(covered + 1, new.last) {
            for name in checked.route.streams {
                let outcome = try streams.append(
                    encoded, count: rows.count,
                    origin: .init(key: OriginKey(thing: thing, epoch: session.epoch), range: range),
                    receiveTime: now,
                    isReceiveTimeDoubtful: isClockDoubtful, to: name, epoch: epoch,
                    limits: table.limits(of: name),
                    overwrittenReason: LossReason.overwritten.rawValue)
                if case .stored(let overwritten) = outcome { result.overwritten += overwritten }
                result.wokenStreams.insert(name)
            }
            covered = new.last
        }
        if !checked.route.things.isEmpty {
            let records = records(of: batch, firstSequence: new.first)
            for name in checked.route.things {
                for record in records {
                    try SubscriberQueue.enqueue(
                        db, subscriber: name, payload: try record.serializedBytes(), now: now)
                }
                result.wokenThings.insert(name)
                result.live.append((name, records))
            }
        }
        return true
    }

    private func takeUnsequenced(_ publication: IncomingPublication, into result: inout Result) throws {
        let checked: IngestCheck
        do throws(IncomingPublication.Refusal) {
            checked = try check(publication)
        } catch {
            result.outcome.rejected.append(Self.rejection(nil, error))
            return
        }
        if !checked.route.streams.isEmpty {
            var outgoing = Publication()
            outgoing.batch = checked.content.batch
            outgoing.origin.thing = thing
            outgoing.origin.epoch = Data(session.epoch.bytes)
            outgoing.receiveTime = Microseconds.timestamp(now)
            outgoing.receiveTimeDoubtful = isClockDoubtful
            result.transient.append((checked.route.streams[0], outgoing, checked.content.encoded.count + 128))
        }
        for name in checked.route.things {
            result.live.append((name, records(of: checked.content.batch, firstSequence: 0)))
        }
    }

    private func records(of batch: Batch, firstSequence: UInt64) -> [MessageRecord] {
        (0..<batch.count).map { row in
            var record = MessageRecord()
            record.message = batch.message(row: row)
            record.origin.thing = thing
            record.origin.epoch = Data(session.epoch.bytes)
            if firstSequence > 0 {
                record.origin.firstSequence = firstSequence + UInt64(row)
                record.origin.lastSequence = record.origin.firstSequence
            }
            record.receiveTime = Microseconds.timestamp(now)
            record.receiveTimeDoubtful = isClockDoubtful
            record.core = core
            return record
        }
    }

    // MARK: Accounts

    /// The stream that carries accounts of messages that do not travel themselves.
    static let accountStream = "default"

    private func reject(
        _ range: SequenceRange, _ refusal: IncomingPublication.Refusal, covered: inout UInt64,
        into result: inout Result
    ) throws {
        result.outcome.rejected.append(Self.rejection(range, refusal))
        // While the cloud is away for long, refusals must not fill the disk: the next batch covers them then.
        guard try streams.accounts(in: Self.accountStream) < DurableStreams.maximumAccounts else { return }
        try account(for: range, reason: .rejected, covered: &covered)
        result.wokenStreams.insert(Self.accountStream)
    }

    /// Tells the cloud that sequences will not come, and first of those before them that no route led there.
    private func account(for range: SequenceRange, reason: LossReason, covered: inout UInt64) throws {
        let key = OriginKey(thing: thing, epoch: session.epoch)
        if let unrouted = SequenceRange(covered + 1, range.first - 1) {
            try streams.appendLost(
                .init(key: key, range: unrouted), reason: LossReason.notRoutedToCloud.rawValue,
                to: Self.accountStream, epoch: epoch, now: now)
        }
        try streams.appendLost(
            .init(key: key, range: range), reason: reason.rawValue, to: Self.accountStream, epoch: epoch,
            now: now)
        covered = range.last
    }

    private static func rejection(_ range: SequenceRange?, _ refusal: IncomingPublication.Refusal)
        -> Rejection
    {
        .with {
            $0.firstSequence = range?.first ?? 0
            $0.lastSequence = range?.last ?? 0
            $0.reason = refusal.reason
            $0.detail = refusal.detail
        }
    }

    // MARK: Cursors

    /// A thing's streams count separately, so that each has a coverage of its own.
    private var coverageName: String { "\(thing)/\(session.stream)" }

    private func currentCoverage(cursor: UInt64) throws -> UInt64 {
        try coverage.covered(thing: coverageName, epoch: session.epoch) ?? cursor
    }

    private func saveCovered(_ covered: UInt64) throws {
        try coverage.set(thing: coverageName, epoch: session.epoch, covered: covered, now: now)
    }

    private func save(_ cursor: UInt64) throws {
        try PublisherCursors.set(
            db, publisher: publisher, stream: session.stream, epoch: session.epoch, cursor: cursor, now: now)
    }
}
