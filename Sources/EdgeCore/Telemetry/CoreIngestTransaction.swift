import Components
import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import ShadowStore
import Shadows
import StreamStore
import SwiftProtobuf
import Transforms

/// What the core does with a thing's items inside one transaction: cursor, streams, queues, what components make of
/// them, and the account of what goes nowhere change together or not at all (semantics, section 2).
///
/// Coverage: the cloud is told about every sequence of a thing. A batch that goes to a stream covers what the
/// thing published before it and no route led to the cloud; what is refused or lost gets an account of its own.
/// The same holds for each output of a component: see `CoreIngestTransaction+Derived.swift`.
struct CoreIngestTransaction {
    /// When a publisher whose stream is full is to be looked at again.
    static let pause = Duration.milliseconds(500)
    /// Unrouted messages after which the cloud is told, without waiting for a routed one.
    static let maximumUncovered: UInt64 = 1_000

    let db: Database
    let session: IngestSession
    let router: Router
    let table: RoutingTable
    /// What components may ask for.
    let host: ShadowHost
    /// The epochs that the streams are appended to.
    let lanes: StreamLanes
    /// Where the streams are.
    let homes: StreamHomes
    let core: String
    let now: Int64
    let isClockDoubtful: Bool
    /// The shadows here.
    let shadows: CoreShadows
    /// Whether it is synced when it is committed.
    var isSynced = true
    /// Records what happens to sampled messages; nil where nothing is recorded.
    var tracer: MessageTracer?

    var thing: String { session.publisher.name }
    var streams: DurableStreams { DurableStreams(db) }
    private var publisher: String { session.publisher.description }

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
            try CoverageTable(db).set(thing: coverageName, epoch: session.epoch, covered: cursor, now: now)
            try PublisherCursors.prune(db, publisher: publisher, stream: session.stream)
            try CoverageTable(db).prune(thing: coverageName)
            try DerivedCoverageTable(db).prune(thing: coverageName)
            return (cursor, [])
        }
        guard let lost = SequenceRange(known + 1, session.oldestSequence - 1) else { return (known, []) }
        var coverage = try coverage(cursor: known)
        try takeLost(lost, reason: .notResent, coverage: &coverage)
        try save(lost.last)
        try coverage.save(db, now: now)
        return (lost.last, [table.accountStream])
    }

    /// Takes items in order.
    func ingest(_ items: [IngestItem]) throws -> Result {
        let known = try PublisherCursors.cursor(
            db, publisher: publisher, stream: session.stream, epoch: session.epoch)
        let start = known ?? session.oldestSequence - 1
        var sequencer = IngestSequencer(cursor: start)
        var coverage = try coverage(cursor: start)
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
                guard try take(item, from: first, coverage: &coverage, into: &result) else {
                    sequencer.advance(past: SequenceRange(first, result.takenThrough))
                    result.outcome.pause = .init(reason: .queueFull, retryAfter: Self.pause)
                    result.outcome.remainder = Array(items[index...])
                    break loop
                }
            }
            sequencer.advance(past: item.positions)
        }
        if let open = SequenceRange(coverage.own + 1, sequencer.cursor), open.count >= Self.maximumUncovered {
            try account(for: open, reason: .notRoutedToCloud, coverage: &coverage)
            result.wokenStreams.insert(table.accountStream)
        }
        if try accountForFiltered(
            through: sequencer.cursor, atLeast: Self.maximumUncovered, coverage: &coverage)
        {
            result.wokenStreams.insert(table.accountStream)
        }
        if sequencer.cursor != known { try save(sequencer.cursor) }
        try coverage.save(db, now: now)
        result.outcome.acknowledged = sequencer.cursor
        result.outcome.level = level(of: result)
        return result
    }

    /// Gives account of what no route and no component led to the cloud, when the publisher has gone.
    func close() throws -> Set<String> {
        guard
            let cursor = try PublisherCursors.cursor(
                db, publisher: publisher, stream: session.stream, epoch: session.epoch)
        else { return [] }
        var coverage = try coverage(cursor: cursor)
        var isAccounted = false
        if let open = SequenceRange(coverage.own + 1, cursor) {
            try account(for: open, reason: .notRoutedToCloud, coverage: &coverage)
            isAccounted = true
        }
        if try accountForFiltered(through: cursor, atLeast: 1, coverage: &coverage) { isAccounted = true }
        try coverage.save(db, now: now)
        return isAccounted ? [table.accountStream] : []
    }

    // MARK: Items

    /// Takes one item whose sequences from `first` on are new; false where a target is full.
    private func take(
        _ item: IngestItem, from first: UInt64, coverage: inout IngestCoverage, into result: inout Result
    ) throws -> Bool {
        switch item {
        case .lost(let loss):
            guard let range = SequenceRange(first, loss.positions.last) else { return true }
            try takeLost(range, reason: loss.reason, coverage: &coverage)
            result.wokenStreams.insert(table.accountStream)
            return true
        case .messages(let publication):
            guard let positions = publication.positions, let new = SequenceRange(first, positions.last) else {
                return true
            }
            let checked: IngestCheck
            do throws(IncomingPublication.Refusal) {
                checked = try check(publication)
            } catch {
                receiveRefused(publication, error, into: &result)
                try reject(new, error, coverage: &coverage, into: &result)
                return true
            }
            return try store(
                checked, publication: publication, positions: positions, new: new, coverage: &coverage,
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

    /// Stores those messages of a publication that are new; false where a target is full.
    private func store(
        _ checked: IngestCheck, publication: IncomingPublication, positions: SequenceRange,
        new: SequenceRange, coverage: inout IngestCoverage, into result: inout Result
    ) throws -> Bool {
        let rows = Int(new.first - positions.first)..<Int(new.last - positions.first) + 1
        let isWhole = rows.count == publication.count
        var batch = isWhole ? checked.content.batch : checked.content.batch.selecting(rows)
        var encoded: [UInt8] = isWhole ? checked.content.encoded : try batch.serializedBytes()
        let received = try receive(&batch, &encoded, publication)
        /// What is too large as a whole may fit in halves; a single message that does not is refused.
        func storeHalves(or refusal: IncomingPublication.Refusal) throws -> Bool {
            let middle = new.first + (new.count - 1) / 2
            guard let first = SequenceRange(new.first, middle),
                let second = SequenceRange(middle + 1, new.last)
            else {
                result.spans.add(received, failure: "\(refusal.reason.wireName): \(refusal.detail)")
                try reject(new, refusal, coverage: &coverage, into: &result)
                return true
            }
            for half in [first, second] {
                guard
                    try store(
                        checked, publication: publication, positions: positions, new: half,
                        coverage: &coverage, into: &result)
                else { return false }
                result.takenThrough = half.last
            }
            return true
        }
        let derivation: Derivation
        do throws(IncomingPublication.Refusal) {
            derivation = try derive(batch, sequences: Array(new.first...new.last), route: checked.route)
        } catch {
            return try storeHalves(or: error)
        }

        // Everything that can say no is asked before anything is written: all durable targets or none.
        switch try room(for: encoded, to: checked.route.streams, derivation) {
        case .never(let refusal): return try storeHalves(or: refusal)
        case .notNow: return false
        case .enough: break
        }
        // What goes to the cloud covers what no route led there before it; what stays here, only itself.
        let isToCloud = checked.route.cloudStream != nil
        let covered = SequenceRange(isToCloud ? coverage.own + 1 : new.first, new.last)
        if !checked.route.streams.isEmpty, let range = covered {
            let stored = try appending(batch, encoded, to: checked.route.streams, into: &result)
            let own = StreamBatch(
                payload: stored.payload,
                origin: .init(key: OriginKey(thing: thing, epoch: session.epoch), range: range),
                receiveTime: now, isReceiveTimeDoubtful: isClockDoubtful, tracedSince: stored.tracedSince)
            try append(own, count: rows.count, to: checked.route.streams, into: &result)
            if isToCloud { coverage.own = new.last }
        }
        if !checked.route.things.isEmpty {
            try enqueue(
                records(of: batch, sequences: Array(new.first...new.last)), to: checked.route.things,
                into: &result)
        }
        try apply(
            shadowEffects(of: batch, topic: checked.content.topic, route: checked.route), into: &result)
        try store(derivation, of: new, coverage: &coverage, into: &result)
        result.spans.add(received)
        return true
    }

    /// Appends a batch to streams that were asked before.
    func append(
        _ batch: StreamBatch, count: Int, to names: [String], into result: inout Result
    ) throws {
        for name in names {
            let limits = table.limits(of: name)
            let outcome = try withStreams(of: name) { streams, epoch in
                try streams.append(
                    batch, count: count, to: name, epoch: epoch, limits: limits,
                    overwrittenReason: LossReason.overwritten.rawValue)
            }
            switch outcome {
            case .stored(let overwritten):
                result.overwritten += overwritten
                if overwritten > 0 { result.overwrittenOf[name, default: 0] += overwritten }
            case .full, .tooLarge:
                // `room(for:to:_:)` said yes in the same transaction, whose one writer this is.
                throw HedgerowError(
                    .internalError, .storageFailed,
                    "stream \"\(name)\" took nothing although it had room; nothing was stored")
            }
            result.wokenStreams.insert(name)
            result.appended[name, default: 0] += count
            result.appendedBytes[name, default: 0] += batch.payload.count
        }
    }

    /// How safe everything is that was taken, once the transaction is committed.
    private func level(of result: Result) -> AcknowledgementLevel {
        let isInMemory = result.appended.keys.contains { table.settings(of: $0).persistence == .memory }
        return isInMemory ? .received : isSynced ? .synced : .stored
    }

    /// Works on a stream where it is.
    func withStreams<Value>(
        of name: String, _ body: (DurableStreams, Epoch) throws -> Value
    ) throws -> Value {
        guard table.settings(of: name).persistence == .memory else {
            return try body(streams, lanes.current(of: name, isInMemory: false))
        }
        return try homes.withMemory { try body($0, lanes.current(of: name, isInMemory: true)) }
    }

    /// Bytes of payload in a stream, where it is.
    func bytes(in name: String) throws -> Int64 {
        guard table.settings(of: name).persistence == .memory else { return try streams.bytes(in: name) }
        return try homes.readMemory { try $0.bytes(in: name) }
    }

    /// Puts messages into the queues of things.
    func enqueue(_ records: [MessageRecord], to names: [String], into result: inout Result) throws {
        let payloads: [Data] = try records.map { try $0.serializedBytes() }
        for name in names {
            for payload in payloads {
                try SubscriberQueue.enqueue(db, subscriber: name, payload: payload, now: now)
            }
            result.wokenThings.insert(name)
            result.live.append((name, records))
        }
    }

    private func takeUnsequenced(_ publication: IncomingPublication, into result: inout Result) throws {
        let checked: IngestCheck
        let derivation: Derivation
        var batch = Batch()
        var encoded: [UInt8] = []
        var received = MessageSpans()
        do {
            checked = try check(publication)
            (batch, encoded) = (checked.content.batch, checked.content.encoded)
            received = try receive(&batch, &encoded, publication)
            derivation = try derive(batch, sequences: [], route: checked.route)
        } catch let refusal as IncomingPublication.Refusal {
            if received.isEmpty { receiveRefused(publication, refusal, into: &result) }
            result.spans.add(received, failure: "\(refusal.reason.wireName): \(refusal.detail)")
            result.outcome.rejected.append(Self.rejection(nil, refusal))
            return
        }
        result.spans.add(received)
        pass(batch, bytes: encoded.count, route: checked.route, output: nil, into: &result)
        try apply(
            shadowEffects(of: batch, topic: checked.content.topic, route: checked.route), into: &result)
        try pass(derivation, into: &result)
    }

    /// Passes what components made of messages at QoS 0 on.
    func pass(_ derivation: Derivation, into result: inout Result) throws {
        for piece in derivation.pieces {
            pass(piece.batch, bytes: piece.encoded.count, route: piece.route, output: piece, into: &result)
        }
        result.transientEvents.append(contentsOf: derivation.waiting.map(entry))
        try apply(derivation.shadows, into: &result)
        result.tallies.append(contentsOf: derivation.tallies)
        result.spans.add(derivation.spans)
    }

    /// What is to wait for a process component.
    func entry(_ waiting: Derivation.Waiting) -> InboxEntry {
        InboxEntry(
            instance: waiting.instance,
            source: .init(
                thing: thing, stream: session.stream, epoch: session.epoch, output: waiting.input.from,
                passed: waiting.input.passed),
            batch: waiting.input.batch, sequences: waiting.input.sequences, receiveTime: now,
            isReceiveTimeDoubtful: isClockDoubtful)
    }

    /// Passes messages at QoS 0 on.
    private func pass(
        _ batch: Batch, bytes: Int, route: Route, output: Derivation.Piece?, into result: inout Result
    ) {
        if let stream = route.cloudStream {
            var outgoing = Publication()
            outgoing.batch = batch
            outgoing.origin = WireOrigin(key(output?.output))
            if let source = output?.source { outgoing.source = WireSource(source) }
            outgoing.receiveTime = Microseconds.timestamp(now)
            outgoing.receiveTimeDoubtful = isClockDoubtful
            result.transient.append((stream, outgoing, bytes + 128))
        }
        guard !route.things.isEmpty else { return }
        let records = records(of: batch, sequences: [], from: output?.output, source: output?.source)
        for name in route.things { result.live.append((name, records)) }
    }

    /// Whose messages those of an output are; the thing's own for nil.
    func key(_ output: DerivedOutput?) -> OriginKey {
        OriginKey(thing: thing, epoch: session.epoch, component: output?.key ?? "")
    }

    /// The messages of a batch, each with everything known about it.
    ///
    /// - Parameter sequences: origin sequence of each; empty with QoS 0.
    func records(
        of batch: Batch, sequences: [UInt64], from output: DerivedOutput? = nil,
        source: StreamBatch.Source? = nil
    ) -> [MessageRecord] {
        let origin = WireOrigin(key(output))
        return (0..<batch.count).map { row in
            var record = MessageRecord()
            record.message = batch.message(row: row)
            record.origin = origin
            if !sequences.isEmpty {
                record.origin.firstSequence = sequences[row]
                record.origin.lastSequence = sequences[row]
            }
            if let source { record.source = WireSource(source) }
            record.receiveTime = Microseconds.timestamp(now)
            record.receiveTimeDoubtful = isClockDoubtful
            record.core = core
            return record
        }
    }

    // MARK: Cursors

    /// A thing's streams count separately, so that each has a coverage of its own.
    var coverageName: String { "\(thing)/\(session.stream)" }

    private func coverage(cursor: UInt64) throws -> IngestCoverage {
        try IngestCoverage(db, thing: coverageName, epoch: session.epoch, cursor: cursor)
    }

    private func save(_ cursor: UInt64) throws {
        try PublisherCursors.set(
            db, publisher: publisher, stream: session.stream, epoch: session.epoch, cursor: cursor, now: now)
    }
}
