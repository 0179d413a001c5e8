import GRDB
import GRPCCore
import GRPCNIOTransportHTTP2Posix
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
/// way is bounded, and nothing is held in memory beyond one request: the database is the buffer.
final class UplinkSession: Sendable {
    /// Most messages on their way.
    static let maximumInFlightMessages: UInt64 = 20_000
    private static let noAnswer = "the connection ended before the acknowledgement"
    private static let maximumRequestEntries = 500

    private struct InFlight {
        /// Its last sequence.
        let last: UInt64
        let bytes: Int
        let sent: ContinuousClock.Instant
        let spans: [MessageSpans]
    }

    private struct State {
        var resumeAfter: UInt64?
        var acknowledged: UInt64 = 0
        /// The requests on their way.
        var inFlight: [InFlight] = []
        var pace = RequestPace()
        var bytes = 0
        var isFinished = false
    }

    let parts: TelemetryParts
    let epoch: StreamEpoch
    /// Whether this is the epoch of the running process, whose session stays open.
    private let isCurrent: Bool
    private let signal: Signal
    private let onProgress: @Sendable () -> Void
    private let state = Mutex(State())

    init(
        parts: TelemetryParts, epoch: StreamEpoch, isCurrent: Bool, onProgress: @escaping @Sendable () -> Void
    ) {
        self.parts = parts
        self.epoch = epoch
        self.isCurrent = isCurrent
        self.onProgress = onProgress
        signal = parts.uplinks.signal(of: epoch.stream)
    }

    /// Runs until an old epoch is at the cloud; with the current one until the connection fails.
    func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async throws {
        defer { parts.uplinks.setConnected(epoch.stream, false) }
        try await TelemetryService.Client(wrapping: client).publish { writer in
            try await self.produce(writer)
        } onResponse: { response in
            defer { self.finish() }
            for try await message in response.messages { try await self.receive(message) }
        }
    }

    // MARK: Sending

    private func produce(_ writer: RPCWriter<PublishRequest>) async throws {
        var opening = PublishRequest()
        opening.session.stream = epoch.stream
        opening.session.epoch = .init(epoch.epoch.bytes)
        opening.session.oldestSequence = epoch.oldest
        opening.session.level = .synced
        try await writer.write(opening)

        guard let resumeAfter = try await waitForResume() else { return }
        var sent = max(resumeAfter, epoch.oldest - 1)
        if sent < epoch.acknowledged {
            try await accountForForgotten(after: sent, writer)
            sent = epoch.acknowledged
        }
        if isCurrent { parts.uplinks.setConnected(epoch.stream, true) }
        while !isFinished {
            try Task.checkCancellation()
            var request = PublishRequest()
            if hasRoom { try await fill(&request, after: &sent) }
            if isCurrent {
                var transient = parts.uplinks.takeTransient(
                    epoch.stream, maximumBytes: RequestPace.largestBytes)
                forwardingUnacknowledged(&transient)
                request.publications.append(contentsOf: transient)
            }
            if request.publications.isEmpty, request.lost.isEmpty {
                if !isCurrent, acknowledged + 1 >= epoch.next { return }
                await signal.wait()
                continue
            }
            try await writer.write(request)
        }
    }

    private func fill(_ request: inout PublishRequest, after sent: inout UInt64) async throws {
        let (epoch, after) = (epoch, sent)
        let requestBytes = state.withLock { $0.pace.requestBytes }
        let entries = try await parts.pool.read { db in
            try DurableStreams(db).entries(
                of: epoch, after: after, limit: Self.maximumRequestEntries,
                maximumBytes: requestBytes)
        }
        guard let last = entries.last?.positions.last else { return }
        var bytes = 0
        var spans: [MessageSpans] = []
        for entry in entries {
            bytes += entry.bytes
            switch entry.content {
            case .batch(let stored):
                guard var batch = try? Batch(serializedBytes: stored.payload) else {
                    // What the disk damaged must not stop what lies behind it.
                    parts.logger.error(
                        "stored messages are damaged; they are entered as lost",
                        metadata: ["stream": "\(epoch.stream)", "sequence.first": "\(entry.positions.first)"])
                    request.lost.append(Self.lost(entry.positions, .corrupted, [stored.origin]))
                    continue
                }
                if let appended = stored.tracedSince {
                    spans.append(forwarding(&batch, waitingSince: appended))
                }
                var publication = Publication()
                publication.sequence = entry.positions.first
                publication.batch = batch
                publication.origin = WireOrigin(stored.origin)
                if let source = stored.source { publication.source = WireSource(source) }
                publication.receiveTime = Microseconds.timestamp(stored.receiveTime)
                publication.receiveTimeDoubtful = stored.isReceiveTimeDoubtful
                request.publications.append(publication)
            case .lost(let reason, let origins):
                request.lost.append(
                    Self.lost(entry.positions, LossReason(rawValue: reason) ?? .unspecified, origins))
            }
        }
        sent = last
        let isTooLate = state.withLock { state in
            guard !state.isFinished else { return true }
            state.inFlight.append(InFlight(last: last, bytes: bytes, sent: .now, spans: spans))
            state.bytes += bytes
            return false
        }
        if isTooLate { for each in spans { each.end(failure: Self.noAnswer) } }
    }

    /// The cloud knows less than it acknowledged: it was restored from an older copy. Says what it lost.
    private func accountForForgotten(
        after sequence: UInt64, _ writer: RPCWriter<PublishRequest>
    ) async throws {
        let epoch = epoch
        let forgotten = try await parts.pool.read { db in
            try DurableStreams(db).exported(
                of: epoch, after: sequence, reason: LossReason.receiverRestored.rawValue)
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
            var request = PublishRequest()
            request.lost = [
                Self.lost(entry.positions, LossReason(rawValue: reason) ?? .receiverRestored, origins)
            ]
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
            await signal.wait()
        }
    }

    private var hasRoom: Bool {
        state.withLock { state in
            guard let last = state.inFlight.last?.last else { return true }
            return state.bytes < min(state.pace.inFlightBytes, parts.uplinkBytes)
                && last - min(last, state.acknowledged) < Self.maximumInFlightMessages
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
        signal.signal()
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
        let before = acknowledged
        if through > max(before, epoch.acknowledged) {
            let epoch = epoch
            try await parts.committer.commit { db in
                try DurableStreams(db).acknowledge(epoch, through: through)
            }
        }
        let arrived = state.withLock { state in
            if message.hasResumeAfterSequence { state.resumeAfter = message.resumeAfterSequence }
            state.acknowledged = max(state.acknowledged, through)
            var arrived: [MessageSpans] = []
            while let first = state.inFlight.first, first.last <= state.acknowledged {
                state.bytes -= first.bytes
                state.pace.acknowledged(after: first.sent.duration(to: .now))
                arrived.append(contentsOf: first.spans)
                state.inFlight.removeFirst()
            }
            return arrived
        }
        for spans in arrived { spans.end() }
        onProgress()
        signal.signal()
    }
}
