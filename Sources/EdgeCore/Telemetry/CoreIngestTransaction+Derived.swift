import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore

// What components make of a thing's messages.
//
// Each output of a component (by its path, so that every way through a chain counts for itself) has sequences of its
// own in the cloud's account: those of the thing's messages that it comes from. A batch that goes to a stream covers
// everything since the one before, so that what the steps dropped, and what became a dead letter instead, is told with
// it; a long stretch without any gets an account `FILTERED`. A dead letter that no route takes gets an account
// `TRANSFORM_FAILED`, under the output that it would have. What the thing lost is lost for every output as well, and
// told so, for the same reason; another core may have had it, whose copy then counts instead.

extension CoreIngestTransaction {
    /// Whether the streams take something.
    enum Room {
        case enough
        /// A stream that takes nothing new is full.
        case notNow
        /// It will never fit.
        case never(IncomingPublication.Refusal)
    }

    /// Works out what components make of messages; writes nothing.
    ///
    /// - Throws: A refusal of the messages where more came out than may.
    func derive(
        _ batch: Batch, sequences: [UInt64], route: Route
    ) throws(IncomingPublication.Refusal) -> Derivation {
        guard !route.components.isEmpty else { return Derivation() }
        var deriver = makeDeriver()
        deriver.derive(.init(batch: batch, sequences: sequences), to: route.components)
        guard !deriver.isTooLarge else {
            throw .init(
                .messageTooLarge,
                "components make more than \(Deriver.maximumBytes) bytes of the batch; send smaller batches")
        }
        // How many messages came together must not decide what becomes of each: the halves are tried.
        guard !deriver.hasTooManyPasses || sequences.count <= 1 else {
            throw .init(
                .messageTooLarge,
                "the batch leads to more than \(Deriver.maximumPasses) passes through components")
        }
        return deriver.derivation
    }

    /// What passes messages through components.
    func makeDeriver() -> Deriver {
        Deriver(thing: thing, table: table, router: router, host: host, tracer: tracer) { instance in
            try StoredInbox(db).usage(of: instance)
        }
    }

    /// Asks every stream for room for a batch and what was derived from it.
    func room(for encoded: [UInt8], to names: [String], _ derivation: Derivation) throws -> Room {
        var needed: [String: Int64] = [:]
        for name in names { needed[name, default: 0] += Int64(encoded.count) }
        for piece in derivation.pieces {
            for name in piece.route.streams {
                let limit = table.limits(of: name).maximumBytes
                guard Int64(piece.encoded.count) <= limit else {
                    return .never(
                        .init(
                            .messageTooLarge,
                            "\(piece.encoded.count) bytes that component instance \"\(piece.output.instance)\" "
                                + "makes of it do not fit into stream \"\(name)\" of \(limit)"))
                }
                needed[name, default: 0] += Int64(piece.encoded.count)
            }
        }
        var room = Room.enough
        for (name, bytes) in needed.sorted(by: { $0.key < $1.key }) {
            let limits = table.limits(of: name)
            let isOwnTooLarge = names.contains(name) && Int64(encoded.count) > limits.maximumBytes
            guard !isOwnTooLarge, limits.overwritesOldest || bytes <= limits.maximumBytes else {
                return .never(
                    .init(
                        .messageTooLarge,
                        "\(isOwnTooLarge ? Int64(encoded.count) : bytes) bytes do not fit into stream \"\(name)\" "
                            + "of \(limits.maximumBytes)"))
            }
            if !limits.overwritesOldest,
                try self.bytes(in: name) + bytes
                    > limits.maximumBytes
            {
                room = .notNow
            }
        }
        return room
    }

    /// Writes what was derived from messages, and moves the account of each output.
    func store(
        _ derivation: Derivation, of new: SequenceRange, coverage: inout IngestCoverage,
        into result: inout Result
    ) throws {
        for output in derivation.tracked { coverage.begin(output, after: new.first - 1) }
        // The last batch of an output covers the input to its end.
        var last: [String: Int] = [:]
        for (index, piece) in derivation.pieces.enumerated() where piece.route.cloudStream != nil {
            last[piece.output.key] = index
        }
        for (index, piece) in derivation.pieces.enumerated() {
            if !piece.route.streams.isEmpty, let end = piece.sequences.last {
                let key = piece.output.key
                let isToCloud = piece.route.cloudStream != nil
                if isToCloud { coverage.begin(key, after: new.first - 1) }
                let through = last[key] == index ? new.last : end
                let origin = try origin(of: piece, through: through, coverage: coverage)
                let stored = try appending(piece.batch, piece.encoded, to: piece.route.streams, into: &result)
                try append(
                    StreamBatch(
                        payload: stored.payload, origin: origin, source: piece.source, receiveTime: now,
                        isReceiveTimeDoubtful: isClockDoubtful, tracedSince: stored.tracedSince),
                    count: piece.batch.count, to: piece.route.streams, into: &result)
                if isToCloud { coverage.cover(key, through: through) }
            }
            guard !piece.route.things.isEmpty else { continue }
            try enqueue(
                records(
                    of: piece.batch, sequences: piece.sequences, from: piece.output, source: piece.source),
                to: piece.route.things, into: &result)
        }
        for waiting in derivation.waiting {
            try StoredInbox(db).append(entry(waiting))
            result.wokenInboxes.insert(waiting.instance)
        }
        try apply(derivation.shadows, into: &result)
        for (output, sequences) in derivation.unrouted.sorted(by: { $0.key.key < $1.key.key }) {
            try tellFailed(sequences, output: output, of: new, coverage: &coverage, into: &result)
        }
        result.tallies.append(contentsOf: derivation.tallies)
        result.spans.add(derivation.spans)
    }

    /// What a derived batch covers, and where in that its messages are. One that does not go to the cloud covers its
    /// messages only.
    private func origin(
        of piece: Derivation.Piece, through last: UInt64, coverage: IngestCoverage
    ) throws -> StreamEntry.OriginRange {
        let key = key(piece.output)
        let begin = piece.sequences.first ?? last
        // What programs fail on comes in no order, and nothing between two of them could be missing.
        let isAlone =
            piece.route.cloudStream == nil
            || (piece.output.index == Hedgerow_Type_V1_Origin.deadLetterOutput && table.waits(piece.output))
        let covered = isAlone ? nil : coverage.outputs[piece.output.key]
        var first = min((covered ?? begin - 1) + 1, begin)
        if last - first >= UInt64(UInt32.max) {
            // Too far for the offsets; only after four thousand million messages on other topics.
            if let before = SequenceRange(first, begin - 1) { try tell(before, .filtered, of: key) }
            first = begin
        }
        let range = SequenceRange(first, last) ?? SequenceRange(only: last)
        let count = UInt64(piece.sequences.count)
        let isAtEnd = piece.sequences.first == last + 1 - count && piece.sequences.last == last
        return .init(
            key: key, range: range,
            rowOffsets: isAtEnd ? [] : piece.sequences.map { UInt32(truncatingIfNeeded: $0 - first) })
    }

    /// Tells the cloud of messages that a component failed on and whose dead letters go nowhere.
    private func tellFailed(
        _ sequences: [UInt64], output: DerivedOutput, of new: SequenceRange, coverage: inout IngestCoverage,
        into result: inout Result
    ) throws {
        // While the cloud is away for long, failures must not fill the disk: they are still counted here.
        guard try hasRoomForAccounts, let first = sequences.first, let last = sequences.last,
            let range = SequenceRange(first, last)
        else { return }
        // One account a batch, that names each of them; what lies between them did not fail.
        let isRun = range.count == UInt64(sequences.count)
        let failed = StreamEntry.OriginRange(
            key: key(output), range: range,
            rowOffsets: isRun ? [] : sequences.map { UInt32(truncatingIfNeeded: $0 - first) })
        try appendLost(failed, reason: .transformFailed)
        coverage.cover(output.key, through: new.last)
        result.wokenStreams.insert(table.accountStream)
    }

    // MARK: What leads nowhere

    /// Tells the cloud of stretches of at least so many messages of which an output has nothing.
    ///
    /// - Returns: Whether there was one.
    func accountForFiltered(
        through cursor: UInt64, atLeast count: UInt64, coverage: inout IngestCoverage
    ) throws -> Bool {
        var isTold = false
        for (key, covered) in coverage.outputs.sorted(by: { $0.key < $1.key }) {
            guard let open = SequenceRange(covered + 1, cursor), open.count >= count,
                let output = DerivedOutput(key: key), table.derives(output),
                // What waits in an inbox was not dropped; what comes out for a later message covers what did not.
                !table.waits(output),
                // Dead letters are rare: the next one covers what did not fail before it.
                output.index != Hedgerow_Type_V1_Origin.deadLetterOutput,
                try hasRoomForAccounts
            else { continue }
            try tell(open, .filtered, of: self.key(output))
            coverage.cover(key, through: cursor)
            isTold = true
        }
        return isTold
    }

    /// Sequences that the thing lost: no output has anything of them here.
    func loseDerived(
        _ range: SequenceRange, reason: LossReason, coverage: inout IngestCoverage
    ) throws {
        let open = coverage.outputs.filter { output in
            // What came before the loss may still wait; what comes out for a later message covers both.
            output.value < range.last && DerivedOutput(key: output.key).map(table.waits) != true
        }.sorted { $0.key < $1.key }
        for (output, covered) in open {
            guard let before = SequenceRange(covered + 1, range.first - 1) else { continue }
            try tell(before, .filtered, of: OriginKey(thing: thing, epoch: session.epoch, component: output))
        }
        for (output, covered) in open {
            guard let lost = SequenceRange(max(covered + 1, range.first), range.last) else { continue }
            coverage.cover(output, through: range.last)
            guard let parsed = DerivedOutput(key: output) else { continue }
            // A lost message is no lost dead letter: gaps between those mean nothing.
            if parsed.index == Hedgerow_Type_V1_Origin.deadLetterOutput { continue }
            try tell(lost, table.derives(parsed) ? reason : .notRoutedToCloud, of: key(parsed))
        }
    }
}
