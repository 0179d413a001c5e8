import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import StreamStore

// What programs make of messages, and what they publish by themselves.
//
// What a program publishes because of a message keeps that message's origin, as with a transform; each message that it
// publishes is an output of its own. Because programs answer later than the message was stored, an output's account
// moves only with what comes out: it then covers what did not come out before it.

extension CoreIngestTransaction {
    /// Stores what the program of an instance made of a message. The session is that of the message's publisher.
    ///
    /// - Returns: false where a stream that takes nothing new is full; nothing is stored then.
    func take(
        _ outcome: ProgramResult, of message: InboxEntry.Message, by component: RunningComponent,
        into result: inout Result
    ) throws -> Bool {
        var derivation = derivation(of: outcome, of: message, by: component)
        guard let sequence = message.sequence else {
            try pass(derivation, into: &result)
            return true
        }
        switch try room(for: [], to: [], derivation) {
        case .enough: break
        case .notNow: return false
        case .never(let refusal):
            derivation = self.derivation(
                of: ProgramResult(failure: refusal.detail), of: message, by: component)
            switch try room(for: [], to: [], derivation) {
            case .enough: break
            case .notNow: return false
            case .never:
                // A dead letter that fits nowhere is counted, and no more.
                result.tallies.append(contentsOf: derivation.tallies)
                return true
            }
        }
        let range = SequenceRange(only: sequence)
        var coverage = try IngestCoverage(db, thing: coverageName, epoch: session.epoch, cursor: sequence)
        try store(derivation, of: range, coverage: &coverage, into: &result)
        try coverage.save(db, now: now)
        return true
    }

    private func derivation(
        of outcome: ProgramResult, of message: InboxEntry.Message, by component: RunningComponent
    ) -> Derivation {
        var deriver = makeDeriver()
        deriver.emit(outcome.messages, failure: outcome.failure, by: component, for: message.input)
        guard deriver.isTooLarge || deriver.hasTooManyPasses else { return deriver.derivation }
        var failed = makeDeriver()
        failed.emit(
            [],
            failure: "what it publishes leads to more than \(Deriver.maximumBytes) bytes or "
                + "\(Deriver.maximumPasses) passes through components",
            by: component, for: message.input)
        return failed.derivation
    }

    /// Stores messages of an instance's own, as far as they are new. The session is that of the instance.
    ///
    /// - Parameters:
    ///   - messages: checked, each with its time.
    ///   - first: sequence of the first one; 0 for QoS 0.
    /// - Returns: how many of the new ones no subscription takes anywhere.
    /// - Throws: ``HedgerowError`` where sequences are left out, or a stream is full; nothing is stored then.
    func takeOwn(
        _ messages: [PlainMessage], from first: UInt64, by component: RunningComponent,
        into result: inout Result
    ) throws -> Int {
        guard first > 0 else {
            return try messages.reduce(into: 0) { unrouted, message in
                let derivation = ownDerivation(of: message, sequence: nil, by: component)
                if derivation.leadsNowhere { unrouted += 1 }
                try pass(derivation, into: &result)
            }
        }
        let known = try PublisherCursors.cursor(
            db, publisher: session.publisher.description, stream: session.stream, epoch: session.epoch)
        let cursor = known ?? first - 1
        guard first <= cursor + 1 else {
            throw IngestSequencer.gapError(expected: cursor + 1, got: first)
        }
        var coverage = try IngestCoverage(db, thing: coverageName, epoch: session.epoch, cursor: cursor)
        var unrouted = 0
        var last = cursor
        for (number, message) in messages.enumerated() {
            let sequence = first + UInt64(number)
            guard sequence > cursor else { continue }
            let derivation = ownDerivation(of: message, sequence: sequence, by: component)
            if derivation.leadsNowhere { unrouted += 1 }
            switch try room(for: [], to: [], derivation) {
            case .enough: break
            case .notNow:
                throw HedgerowError(
                    .resourceExhausted, .queueFull,
                    "a stream that takes nothing new is full; nothing of the request is stored, send it again",
                    retryAfter: Self.pause)
            case .never(let refusal):
                throw HedgerowError(
                    .invalidArgument, refusal.reason, "messages[\(number)]: \(refusal.detail)")
            }
            try store(derivation, of: SequenceRange(only: sequence), coverage: &coverage, into: &result)
            last = sequence
        }
        try coverage.save(db, now: now)
        guard last > cursor || known == nil else { return unrouted }
        try PublisherCursors.set(
            db, publisher: session.publisher.description, stream: session.stream, epoch: session.epoch,
            cursor: last, now: now)
        if known == nil {
            try PublisherCursors.prune(
                db, publisher: session.publisher.description, stream: session.stream)
            try CoverageTable(db).prune(thing: coverageName)
            try DerivedCoverageTable(db).prune(thing: coverageName)
        }
        return unrouted
    }

    private func ownDerivation(
        of message: PlainMessage, sequence: UInt64?, by component: RunningComponent
    ) -> Derivation {
        var deriver = makeDeriver()
        deriver.emit(
            [message], failure: nil, by: component,
            for: .init(batch: Batch(message), sequences: sequence.map { [$0] } ?? []), index: 0)
        return deriver.derivation
    }
}

extension Derivation {
    /// Whether nothing of it goes anywhere, and no further component was given any of it.
    fileprivate var leadsNowhere: Bool {
        pieces.isEmpty && waiting.isEmpty && shadows.isEmpty && tallies.count <= 1
    }
}
