import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import Shadows
import StreamStore
import SwiftProtobuf

/// What the cloud does with a publisher's items inside one transaction: cursor, rows, ranges and counts
/// change together or not at all (semantics, section 2).
struct IngestTransaction {
    let db: Database
    let session: IngestSession
    let fleet: any TelemetryFleet
    let now: Int64
    let tracer: MessageTracer?
    private let rows: TelemetryRows
    private let intervals: OriginIntervals

    init(
        db: Database, session: IngestSession, fleet: any TelemetryFleet, now: Int64,
        tracer: MessageTracer? = nil
    ) {
        self.db = db
        self.session = session
        self.fleet = fleet
        self.now = now
        self.tracer = tracer
        rows = TelemetryRows(db, now: now)
        intervals = OriginIntervals(db)
    }

    /// The name that the ledger counts the publisher's own messages under. Operators and apps have a name
    /// space of their own, which no thing's name can reach.
    static func ledgerName(of principal: Principal) -> String {
        switch principal.role {
        case .thing, .core: principal.name
        case .operator, .app: principal.description
        }
    }

    private var publisher: String { session.publisher.description }
    private var ownName: String { Self.ledgerName(of: session.publisher) }
    private var streamName: String { "\(session.publisher.name)/\(session.stream)" }

    /// Finds or makes the session's cursor, and declares what lies before the oldest that is left.
    func open() throws -> UInt64 {
        if session.publisher.role != .core,
            let other = try PublisherCursors.otherStream(
                db, publisher: publisher, stream: session.stream, epoch: session.epoch)
        {
            throw SessionRegistry.sharedEpoch(session, with: other)
        }
        let known = try PublisherCursors.cursor(
            db, publisher: publisher, stream: session.stream, epoch: session.epoch)
        var cursor = known ?? session.oldestSequence - 1
        if let lost = SequenceRange(cursor + 1, session.oldestSequence - 1) {
            try declare(lost, reason: .notResent, of: ownName, epoch: session.epoch, component: "")
            cursor = lost.last
        }
        try save(cursor)
        if known == nil { try PublisherCursors.prune(db, publisher: publisher, stream: session.stream) }
        return cursor
    }

    /// What was entered into the ledger so far.
    var counts: LedgerCounts { rows.totals }

    /// Takes items in order.
    func ingest(_ items: [IngestItem]) throws -> Result {
        let known = try PublisherCursors.cursor(
            db, publisher: publisher, stream: session.stream, epoch: session.epoch)
        let start = known ?? session.oldestSequence - 1
        var sequencer = IngestSequencer(cursor: start)
        var result = Result(outcome: IngestOutcome(acknowledged: start))
        loop: for item in items {
            switch sequencer.step(for: item.positions) {
            case .gap(let expected):
                result.outcome.failure = IngestSequencer.gapError(
                    expected: expected, got: item.positions?.first ?? 0)
                break loop
            case .repeated:
                if case .messages(let publication) = item { try countRepeat(publication) }
            case .unsequenced:
                try take(item, from: nil, into: &result)
            case .new(let first):
                try take(item, from: first, into: &result)
            }
            sequencer.advance(past: item.positions)
        }
        try intervals.flush()
        try rows.flush()
        result.counts = counts
        if sequencer.cursor != known { try save(sequencer.cursor) }
        result.outcome.acknowledged = sequencer.cursor
        return result
    }

    private func take(_ item: IngestItem, from first: UInt64?, into result: inout Result) throws {
        switch item {
        case .messages(let publication): try take(publication, from: first, into: &result)
        case .lost(let loss): try take(loss, from: first)
        }
    }

    // MARK: Messages

    private func take(
        _ publication: IncomingPublication, from first: UInt64?, into result: inout Result
    ) throws {
        let origin: ResolvedOrigin
        var content: IncomingPublication.Checked
        do throws(IncomingPublication.Refusal) {
            origin = try resolveOrigin(of: publication)
            content = try publication.content.get()
            try Self.check(content.topic)
            try Self.check(publication.source)
        } catch {
            try reject(publication, from: first, error, into: &result)
            return
        }
        var targets: Set<String> = []
        if session.publisher.role == .operator || session.publisher.role == .app {
            targets = fleet.things(reachedFromCloudBy: content.topic)
            if targets.isEmpty {
                try reject(publication, from: first, Self.noRoute(content.topic), into: &result)
                return
            }
        }
        let spans = try receive(&content, of: publication)
        let new = try store(content, of: publication, from: first, origin: origin, into: &result)
        stored(new, of: publication, continuing: spans, into: &result)
        for stored in new {
            try deliver(stored, to: targets, isSequenced: origin.rows != nil, into: &result)
        }
    }

    /// What cores forward and things publish here is stored; a request to a shadow would have nobody to answer it.
    private static func check(_ topic: Topic) throws(IncomingPublication.Refusal) {
        guard let shadow = ShadowTopic(topic) else { return }
        throw .init(
            .topicNotAllowed,
            "the cloud takes requests to shadows through its ShadowService, and not on topic \"\(topic)\": call it for "
                + "\"\(shadow.thing)\", or publish to a core")
    }

    private static func noRoute(_ topic: Topic) -> IncomingPublication.Refusal {
        .init(
            .noRoute,
            "no deployed subscription leads from the cloud to a thing for topic \"\(topic)\"; add one "
                + "(from: cloud, to: thing:NAME) to a group and deploy it")
    }

    /// Stores those messages that are new; nothing where all were there before.
    private func store(
        _ content: IncomingPublication.Checked, of publication: IncomingPublication, from first: UInt64?,
        origin: ResolvedOrigin, into result: inout Result
    ) throws -> [StoredMessages] {
        let thingID = try rows.thingID(origin.thing)
        var detail = MessageRecord()
        detail.origin.thing = origin.thing
        detail.origin.epoch = Data(origin.epoch.bytes)
        detail.origin.componentInstance = publication.origin?.componentInstance ?? ""
        detail.origin.outputIndex = publication.origin?.outputIndex ?? 0
        detail.receiveTime = Microseconds.timestamp(publication.receiveTime ?? now)
        detail.receiveTimeDoubtful = publication.receiveTimeDoubtful
        detail.storeTime = Microseconds.timestamp(now)
        // Components run on cores only; from anybody else this says nothing.
        if session.publisher.role == .core {
            detail.core = session.publisher.name
            if let source = publication.source { detail.source = source }
        }

        let parts = try newParts(of: origin, publication: publication, from: first, thingID: thingID)
        let kept = parts.reduce(0) { $0 + $1.count }
        rows.count(.duplicates, UInt64(publication.count - kept), thingID: thingID, stream: streamName)
        rows.count(.received, UInt64(kept), thingID: thingID, stream: streamName)
        var stored: [StoredMessages] = []
        for part in parts {
            let isWhole = part.count == publication.count
            let batch = isWhole ? content.batch : content.batch.selecting(part)
            let encoded: [UInt8] = isWhole ? content.encoded : try batch.serializedBytes()
            origin.rows?.write(part, to: &detail.origin)
            let span = batch.sampleSpan.map { $0.first...$0.last } ?? content.span
            try rows.insert(
                batch: Data(encoded), detail: detail, topic: content.topic.description, thingID: thingID,
                count: part.count, span: span)
            stored.append(
                StoredMessages(thing: origin.thing, topic: content.topic, batch: batch, detail: detail))
        }
        result.stored.append(contentsOf: stored)
        return stored
    }

    /// The rows of a batch that are new, in parts that are stored as one batch each, and enters the whole covered
    /// range as received.
    private func newParts(
        of origin: ResolvedOrigin, publication: IncomingPublication, from first: UInt64?, thingID: Int64
    ) throws -> [[Int]] {
        guard let covered = origin.covered, let positions = origin.rows else {
            // Without an origin's sequences the position on the hop is all that tells what is new.
            guard let first, let hop = publication.positions else { return [Array(0..<publication.count)] }
            return [Array(Int(first - hop.first)..<publication.count)]
        }
        let key = origin.key(thingID: thingID)
        if intervals.take(covered, of: key) { return positions.parts(in: [positions.span]) }
        let new = try intervals.missing(from: positions.span, of: key)
        try settle(covered, messages: positions.ranges, of: key)
        // What was declared lost of dead letters may stay so beside what arrived.
        if !ResolvedOrigin.isOfDeadLetters(key.component) {
            try intervals.expectMore(after: covered.last, of: key)
        }
        return positions.parts(in: new)
    }

    /// Enters a range as received: messages, and those between them that a component's steps dropped. What was
    /// declared lost of it is taken back.
    ///
    /// - Parameter messages: Those of the range that are there. Of dead letters only these are taken back: two cores
    ///   may have processed the same message, and that it succeeded on the second, whose output came too late, does
    ///   not bring back what the first one failed on.
    private func settle(
        _ range: SequenceRange, messages: [SequenceRange], of key: OriginIntervals.Key
    ) throws {
        var settled = [range]
        if ResolvedOrigin.isOfDeadLetters(key.component) {
            var stillLost = SequenceSet(try intervals.declared(within: range, of: key))
            for arrived in messages { stillLost.remove(arrived) }
            settled = stillLost.missing(from: range)
        }
        for part in settled {
            for withdrawn in try intervals.withdrawDeclared(part, of: key) {
                try rows.countLost(
                    -Int64(clamping: withdrawn.range.count), reason: withdrawn.reason, thingID: key.thingID,
                    stream: withdrawn.stream, day: withdrawn.day)
            }
            try intervals.insertReceived(part, of: key)
        }
    }

    private func deliver(
        _ stored: StoredMessages, to targets: Set<String>, isSequenced: Bool, into result: inout Result
    ) throws {
        guard !targets.isEmpty else { return }
        let records = stored.records
        let payloads: [Data] = isSequenced ? try records.map { try $0.serializedBytes() } : []
        for thing in targets.sorted() {
            if isSequenced {
                for payload in payloads {
                    try SubscriberQueue.enqueue(
                        db, subscriber: DownlinkQueue.name(ofThing: thing), payload: payload, now: now)
                }
                result.wokenThings.insert(thing)
            } else {
                result.transient.append((thing, records))
            }
        }
    }

    private func reject(
        _ publication: IncomingPublication, from first: UInt64?, _ refusal: IncomingPublication.Refusal,
        into result: inout Result
    ) throws {
        var rejection = Rejection()
        rejection.firstSequence = first ?? 0
        rejection.lastSequence = publication.positions?.last ?? 0
        rejection.reason = refusal.reason
        rejection.detail = refusal.detail
        receiveRefused(publication, refusal, into: &result)
        result.outcome.rejected.append(rejection)
        // What a core brings in another's name is not counted there unless it may speak for it.
        let origin = try? resolveOrigin(of: publication)
        let name = origin?.thing ?? ownName
        let count = publication.positions.map { $0.last - max($0.first, first ?? 0) + 1 } ?? 1
        rows.count(.rejected, count, thingID: try rows.thingID(name), stream: streamName)
        if let origin, let covered = origin.covered {
            try declare(
                covered, reason: .rejected, of: origin.thing, epoch: origin.epoch, component: origin.component
            )
        }
    }

    private func countRepeat(_ publication: IncomingPublication) throws {
        guard let origin = try? resolveOrigin(of: publication) else { return }
        rows.count(
            .duplicates, UInt64(publication.count), thingID: try rows.thingID(origin.thing),
            stream: streamName)
    }

    // MARK: Lost ranges

    private func take(_ loss: IncomingLoss, from first: UInt64?) throws {
        guard loss.origins.isEmpty else {
            for origin in loss.origins { try take(origin, reason: loss.reason) }
            return
        }
        guard let range = SequenceRange(first ?? loss.positions.first, loss.positions.last) else { return }
        try declare(range, reason: loss.reason, of: ownName, epoch: session.epoch, component: "")
    }

    /// Takes the account of one origin's messages; what the publisher may not say is ignored.
    private func take(_ origin: WireOrigin, reason: LossReason) throws {
        guard let resolved = try? resolve(origin, count: nil), let covered = resolved.covered else { return }
        let thingID = try rows.thingID(resolved.thing)
        let key = resolved.key(thingID: thingID)
        if reason == .filtered, !resolved.component.isEmpty {
            // The same as what a batch covers beside its messages: handled, and never stored any more.
            return try settle(covered, messages: [], of: key)
        }
        var lost = [covered]
        if let rows = resolved.rows {
            // Only the messages are gone; what the batch covered beside them had been dropped on purpose.
            lost = rows.ranges
            for between in SequenceSet(lost).missing(from: covered) {
                try settle(between, messages: [], of: key)
            }
        }
        for range in lost {
            let count = try declare(
                range, reason: reason, of: resolved.thing, epoch: resolved.epoch,
                component: resolved.component)
            // A core refused them and says so now; nobody else will.
            if reason == .rejected {
                rows.count(.rejected, count, thingID: thingID, stream: streamName)
            }
        }
    }

    /// Declares what was neither received nor declared before; returns how many that are.
    @discardableResult
    private func declare(
        _ range: SequenceRange, reason: LossReason, of thing: String, epoch: Epoch, component: String
    ) throws -> UInt64 {
        let thingID = try rows.thingID(thing)
        let key = OriginIntervals.Key(thingID: thingID, epoch: epoch, component: component)
        let new = try intervals.declare(
            range, of: key, reason: reason.rawValue, stream: streamName, day: rows.day)
        // Parts of one range: their sum is no more than its own count, which a signed number holds.
        let count = new.reduce(UInt64(0)) { $0 &+ $1.count }
        if count > 0 {
            try rows.countLost(
                Int64(clamping: count), reason: reason.rawValue, thingID: thingID, stream: streamName,
                day: rows.day)
        }
        return count
    }

    // MARK: Origins

    /// Longest version of a component (`SemanticVersion` allows no longer one).
    private static let maximumVersionBytes = 256

    private static func check(_ source: WireSource?) throws(IncomingPublication.Refusal) {
        guard let source else { return }
        guard source.component.isEmpty || EntityName.isValid(source.component),
            source.version.utf8.count <= maximumVersionBytes
        else { throw .init(.malformedMessage, "the source names no component and version") }
    }

    private func resolveOrigin(
        of publication: IncomingPublication
    ) throws(IncomingPublication.Refusal) -> ResolvedOrigin {
        guard let origin = publication.origin else {
            return ResolvedOrigin(
                thing: ownName, epoch: session.epoch, component: "", covered: publication.positions,
                rows: publication.positions.map(RowSequences.init))
        }
        return try resolve(origin, count: publication.count)
    }

    /// Checks whether the publisher may name an origin, and which sequences it says.
    ///
    /// - Parameter count: Number of messages; nil for an account of messages that never come, whose rows are
    ///   known only where the origin lists them.
    private func resolve(
        _ origin: WireOrigin, count: Int?
    ) throws(IncomingPublication.Refusal) -> ResolvedOrigin {
        guard fleet.maySpeak(session.publisher, for: origin.thing) else {
            throw .init(
                .originNotAllowed,
                "\(session.publisher) may not publish for thing \"\(origin.thing)\": no revision that it ran held it"
            )
        }
        guard !origin.isDerived || session.publisher.role == .core else {
            throw .init(
                .originNotAllowed,
                "\(session.publisher) names component \"\(origin.componentInstance)\" as its origin; components "
                    + "run on cores")
        }
        if let problem = origin.componentProblem { throw .init(.malformedMessage, "the origin's \(problem)") }
        guard let epoch = Epoch(origin.epoch) else {
            throw .init(.malformedMessage, "the origin's epoch has \(origin.epoch.count) bytes, not 16")
        }
        let component = ResolvedOrigin.component(of: origin)
        if origin.lastSequence == 0, origin.rowOffsets.isEmpty {
            return ResolvedOrigin(
                thing: origin.thing, epoch: epoch, component: component, covered: nil, rows: nil)
        }
        guard let covered = Self.range(origin.firstSequence, origin.lastSequence) else {
            throw .init(
                .malformedMessage,
                "the origin's sequences \(origin.firstSequence)-\(origin.lastSequence) are no range")
        }
        return ResolvedOrigin(
            thing: origin.thing, epoch: epoch, component: component, covered: covered,
            rows: try Self.rows(of: origin, covered: covered, count: count))
    }

    /// The sequences of the messages within what is covered.
    private static func rows(
        of origin: WireOrigin, covered: SequenceRange, count: Int?
    ) throws(IncomingPublication.Refusal) -> RowSequences? {
        if origin.rowOffsets.isEmpty {
            guard let count else { return nil }
            guard covered.count >= UInt64(count),
                let rows = SequenceRange(covered.last - UInt64(count - 1), covered.last)
            else {
                throw .init(
                    .malformedMessage,
                    "the origin's sequences \(origin.firstSequence)-\(origin.lastSequence) do not fit "
                        + "\(count) messages")
            }
            return RowSequences(rows)
        }
        guard origin.rowOffsets.count == count ?? origin.rowOffsets.count,
            origin.rowOffsets.count <= MessageLimits.standard.maximumBatchMessages,
            let rows = RowSequences(first: covered.first, offsets: origin.rowOffsets),
            rows.last <= covered.last
        else {
            throw .init(
                .malformedMessage,
                "the origin's row_offsets are not one for each message, ascending, within "
                    + "\(origin.firstSequence)-\(origin.lastSequence)")
        }
        return rows
    }

    private static func range(_ first: UInt64, _ last: UInt64) -> SequenceRange? {
        guard first >= 1, last < UInt64(Int64.max) - 1 else { return nil }
        return SequenceRange(first, last)
    }

    private func save(_ cursor: UInt64) throws {
        try PublisherCursors.set(
            db, publisher: publisher, stream: session.stream, epoch: session.epoch, cursor: cursor, now: now)
    }
}
