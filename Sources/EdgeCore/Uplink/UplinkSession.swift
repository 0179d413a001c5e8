import Components
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization

/// One session of a stream's uplink: sends one epoch to the cloud from where the cloud is.
///
/// The producer sends what is there and waits; the receiver frees what the cloud acknowledges. What is on its
/// way is bounded, and nothing is held in memory beyond one request: the database is the buffer. Batches are sent
/// as they are stored; only those whose traces go on are decoded.
final class UplinkSession: Sendable {
    /// Most messages on their way.
    static let maximumInFlightMessages: UInt64 = 20_000
    /// Most bytes that the cloud has and that are not freed. Default: 1 MiB.
    static let mostUnfreedBytes = 1 << 20
    /// How long they may stay so while nothing else is written. Default: a second.
    static let longestUnfreed = Duration.seconds(1)
    private static let noAnswer = "the connection ended before the acknowledgement"
    private static let maximumRequestEntries = 500

    private struct InFlight {
        /// Its last sequence.
        let last: UInt64
        let bytes: Int
        let spans: [MessageSpans]
    }

    private struct State {
        var resumeAfter: UInt64?
        var acknowledged: UInt64 = 0
        /// The requests on their way.
        var inFlight: [InFlight] = []
        var isFinished = false
    }

    let parts: TelemetryParts
    let epoch: StreamEpoch
    /// Whether this is the epoch of the running process, whose session stays open.
    private let isCurrent: Bool
    private let lane: Lane
    private let listener: UplinkSignals.Listener
    private let member: UplinkShare.Member
    private let onProgress: @Sendable () -> Void
    private let state = Mutex(State())

    init(
        parts: TelemetryParts, epoch: StreamEpoch, lane: Lane = .unspecified, isCurrent: Bool,
        onProgress: @escaping @Sendable () -> Void
    ) {
        self.parts = parts
        self.epoch = epoch
        self.isCurrent = isCurrent
        self.lane = lane
        self.onProgress = onProgress
        listener = parts.uplinks.listen(to: epoch.stream)
        member = parts.share.join()
    }

    /// Runs until an old epoch is at the cloud; with the current one until the connection fails.
    func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async throws {
        defer {
            if isCurrent { parts.uplinks.setConnected(epoch.stream, false) }
            parts.uplinks.stop(listener, to: epoch.stream)
            finish()
        }
        try await client.bidirectionalStreaming(
            request: StreamingClientRequest { writer in try await self.produce(writer) },
            descriptor: TelemetryService.Method.Publish.descriptor, serializer: RequestBytesSerializer(),
            deserializer: ProtobufDeserializer<PublishResponse>(), options: .defaults
        ) { response in
            defer { self.finish() }
            for try await message in response.messages { try await self.receive(message) }
        }
    }

    // MARK: Sending

    private func produce(_ writer: RPCWriter<UplinkRequest>) async throws {
        var opening = PublishRequest()
        opening.session.stream = epoch.stream
        opening.session.epoch = .init(epoch.epoch.bytes)
        opening.session.oldestSequence = epoch.oldest
        opening.session.level = .synced
        opening.session.lane = lane
        var first = UplinkRequest()
        try first.append(opening)
        try await writer.write(first)

        guard let resumeAfter = try await waitForResume() else { return }
        var sent = max(resumeAfter, epoch.oldest - 1)
        if sent < epoch.acknowledged {
            try await accountForForgotten(after: sent, writer)
            sent = epoch.acknowledged
        }
        if isCurrent { parts.uplinks.setConnected(epoch.stream, true) }
        var isCaughtUp = false
        while !isFinished {
            try Task.checkCancellation()
            let settings = parts.table.settings(of: epoch.stream)
            if isCaughtUp { await gather(settings) }
            var request = UplinkRequest()
            var isHeldBack = false
            if hasRoom {
                if let wait = rateLimit(settings) {
                    isHeldBack = true
                    await listener.signal.wait(upTo: wait)
                } else {
                    listener.forget()
                    isCaughtUp = try await fill(&request, after: &sent, settings)
                }
            }
            if isCurrent { try takeTransient(into: &request) }
            if request.isEmpty {
                if isCurrent ? hasMoved(settings) && hasNothingUnderWay : acknowledged + 1 >= epoch.next {
                    return try await free()
                }
                if !isHeldBack { try await waitForMore() }
                continue
            }
            try await writer.write(request)
        }
    }

    /// While something is under way, waits until a batch is worth a request of its own, or for the interval; an idle
    /// uplink sends at once.
    private func gather(_ settings: StreamSettings) async {
        let end = ContinuousClock.now + settings.batchInterval.duration
        while !isFinished, !Task.isCancelled, !hasNothingUnderWay,
            listener.arrivedMessages < settings.batchSize
        {
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { return }
            await listener.signal.wait(upTo: left)
        }
    }

    /// Waits for something new, and meanwhile frees what the cloud has.
    private func waitForMore() async throws {
        guard parts.acknowledgements.bytes(of: epoch) != nil else { return await listener.signal.wait() }
        await listener.signal.wait(upTo: Self.longestUnfreed)
        // Whatever woke this up may be about to store something, which frees it too.
        if hasNothingUnderWay, listener.arrivedMessages == 0 { try await free() }
    }

    /// Frees what the cloud has.
    private func free() async throws {
        guard let entry = parts.acknowledgements.take(epoch) else { return }
        do {
            try await parts.streams.write(epoch) { streams, epoch in
                try streams.acknowledge(epoch, through: entry.through)
            }
        } catch {
            parts.acknowledgements.add(epoch, through: entry.through, bytes: entry.bytes)
            throw error
        }
    }

    private var hasNothingUnderWay: Bool { state.withLock { $0.inFlight.isEmpty } }

    /// Whether the stream is appended to elsewhere by now: its `persistence` was changed.
    private func hasMoved(_ settings: StreamSettings) -> Bool {
        (settings.persistence == .memory) != epoch.isInMemory
    }

    private func rateLimit(_ settings: StreamSettings) -> Duration? {
        settings.maxRate.flatMap { parts.rate.wait(of: epoch.stream, bytesPerSecond: Double($0.bytes)) }
    }

    /// The session's part of the line, next to others of the same priority.
    private func weight(_ settings: StreamSettings) -> Double {
        switch lane {
        case .live: settings.liveShare
        case .backlog: 1 - settings.liveShare
        default: 1
        }
    }

    private func takeTransient(into request: inout UplinkRequest) throws {
        var transient = parts.uplinks.takeTransient(epoch.stream, maximumBytes: RequestPace.largestBytes)
        forwardingUnacknowledged(&transient)
        for publication in transient { try request.append(publication) }
    }

    /// Adds what comes next, when it is this session's turn.
    ///
    /// - Returns: Whether nothing more is there.
    private func fill(
        _ request: inout UplinkRequest, after sent: inout UInt64, _ settings: StreamSettings
    ) async throws -> Bool {
        guard
            let allowed = try await member.turn(
                priority: settings.priority, weight: weight(settings))
        else { return true }
        var bytes = 0
        defer { member.sent(bytes) }
        // A stream that is held to a rate sends little at once, so that it stays near it.
        let most = settings.maxRate.map { min(allowed, max(1, Int(clamping: $0.bytes / 4))) } ?? allowed
        let (epoch, after) = (epoch, sent)
        let (entries, isAtEnd) = try await parts.streams.read(epoch) { streams, epoch in
            let entries = try streams.entries(
                of: epoch, after: after, limit: Self.maximumRequestEntries, maximumBytes: most)
            return (entries, try streams.isAtEnd(of: epoch, after: entries.last?.positions.last ?? after))
        }
        guard let last = entries.last?.positions.last else { return true }
        var spans: [MessageSpans] = []
        request.reserve(entries.reduce(256) { $0 + $1.bytes + 192 })
        for entry in entries {
            bytes += entry.bytes
            switch entry.content {
            case .batch(let stored): try append(stored, at: entry.positions, to: &request, &spans)
            case .lost(let reason, let origins):
                try request.append(
                    Self.lost(entry.positions, LossReason(rawValue: reason) ?? .unspecified, origins))
            }
        }
        // An account may have no bytes at all, and is under way all the same.
        bytes = max(1, bytes)
        if let rate = settings.maxRate {
            parts.rate.sent(bytes, of: epoch.stream, bytesPerSecond: Double(rate.bytes))
        }
        sent = last
        let isTooLate = state.withLock { state in
            guard !state.isFinished else { return true }
            state.inFlight.append(InFlight(last: last, bytes: bytes, spans: spans))
            return false
        }
        if isTooLate { for each in spans { each.end(failure: Self.noAnswer) } }
        return isAtEnd
    }

    private func append(
        _ stored: StreamBatch, at positions: SequenceRange, to request: inout UplinkRequest,
        _ spans: inout [MessageSpans]
    ) throws {
        var payload = stored.payload
        if let appended = stored.tracedSince {
            guard var batch = try? Batch(serializedBytes: stored.payload) else {
                // What the disk damaged must not stop what lies behind it.
                parts.logger.error(
                    "stored messages are damaged; they are entered as lost",
                    metadata: ["stream": "\(epoch.stream)", "sequence.first": "\(positions.first)"])
                try request.append(Self.lost(positions, .corrupted, [stored.origin]))
                return
            }
            spans.append(forwarding(&batch, waitingSince: appended))
            payload = try batch.serializedBytes()
        }
        var publication = Publication()
        publication.sequence = positions.first
        publication.origin = WireOrigin(stored.origin)
        if let source = stored.source { publication.source = WireSource(source) }
        publication.receiveTime = Microseconds.timestamp(stored.receiveTime)
        publication.receiveTimeDoubtful = stored.isReceiveTimeDoubtful
        try request.append(batch: payload, in: publication)
    }

    /// The cloud knows less than it acknowledged: it was restored from an older copy. Says what it lost.
    private func accountForForgotten(
        after sequence: UInt64, _ writer: RPCWriter<UplinkRequest>
    ) async throws {
        let epoch = epoch
        let forgotten = try await parts.streams.read(epoch) { streams, epoch in
            try streams.exported(of: epoch, after: sequence, reason: LossReason.receiverRestored.rawValue)
        }
        parts.logger.warning(
            "the cloud forgot messages that it had acknowledged; they are entered as lost there",
            metadata: [
                "stream": "\(epoch.stream)", "sequence.first": "\(sequence + 1)",
                "sequence.last": "\(epoch.acknowledged)",
            ])
        // One to a request: each may hold a thousand origins.
        for entry in forgotten {
            guard case .lost(let reason, let origins) = entry.content else { continue }
            var request = UplinkRequest()
            try request.append(
                Self.lost(entry.positions, LossReason(rawValue: reason) ?? .receiverRestored, origins))
            try await writer.write(request)
        }
    }

    private static func lost(
        _ positions: SequenceRange, _ reason: LossReason, _ origins: [StreamEntry.OriginRange]
    ) -> WireLostRange {
        .with {
            $0.firstSequence = positions.first
            $0.lastSequence = positions.last
            $0.reason = reason
            $0.origins = origins.map(WireOrigin.init)
        }
    }

    private func waitForResume() async throws -> UInt64? {
        while true {
            try Task.checkCancellation()
            let (resumeAfter, isFinished) = state.withLock { ($0.resumeAfter, $0.isFinished) }
            if let resumeAfter { return resumeAfter }
            if isFinished { return nil }
            await listener.signal.wait()
        }
    }

    private var hasRoom: Bool {
        state.withLock { state in
            guard let last = state.inFlight.last?.last else { return true }
            return last - min(last, state.acknowledged) < Self.maximumInFlightMessages
        }
    }

    private var acknowledged: UInt64 { state.withLock { $0.acknowledged } }

    private var isFinished: Bool { state.withLock { $0.isFinished } }

    private func finish() {
        let unanswered = state.withLock { state in
            state.isFinished = true
            defer { state.inFlight.removeAll() }
            return state.inFlight.flatMap(\.spans)
        }
        for spans in unanswered { spans.end(failure: Self.noAnswer) }
        member.leave()
        listener.signal.signal()
    }

    // MARK: Receiving

    private func receive(_ message: PublishResponse) async throws {
        for rejection in message.rejected {
            parts.onceAMinute("rejected \(rejection.reason)") {
                parts.logger.warning(
                    "the cloud refused messages for ever",
                    metadata: [
                        "reason": "\(rejection.reason.wireName)", "detail": "\(rejection.detail)",
                        "sequence.first": "\(rejection.firstSequence)",
                        "sequence.last": "\(rejection.lastSequence)",
                    ])
            }
        }
        let through = message.acknowledgedSequence
        let known = max(acknowledged, epoch.acknowledged)
        let arrived = state.withLock { state in
            if message.hasResumeAfterSequence { state.resumeAfter = message.resumeAfterSequence }
            state.acknowledged = max(state.acknowledged, through)
            let count = state.inFlight.prefix { $0.last <= state.acknowledged }.count
            defer { state.inFlight.removeFirst(count) }
            return state.inFlight.prefix(count)
        }
        if through > known {
            let bytes = arrived.reduce(0) { $0 + $1.bytes }
            parts.counters.forwarded(through - known, bytes: bytes, of: epoch.stream, now: parts.clock.now)
            try await keep(through, bytes: bytes)
        }
        for request in arrived {
            member.acknowledged()
            for spans in request.spans { spans.end() }
        }
        onProgress()
        listener.signal.signal()
    }

    /// The cloud has everything up to a sequence: that can be freed.
    private func keep(_ through: UInt64, bytes: Int) async throws {
        guard !epoch.isInMemory else {
            return try await parts.streams.write(epoch) { streams, epoch in
                try streams.acknowledge(epoch, through: through)
            }
        }
        parts.acknowledgements.add(epoch, through: through, bytes: bytes)
        if parts.acknowledgements.bytes(of: epoch) ?? 0 >= Self.mostUnfreedBytes { try await free() }
    }
}
