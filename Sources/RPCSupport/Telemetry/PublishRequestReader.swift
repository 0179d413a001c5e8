import GRPCCore
import HedgerowAPI
import Identity
import Messaging

/// Turns requests of `Publish` into a session and items, and refuses what breaks the stream's rules.
struct PublishRequestReader {
    /// The highest sequence: what a signed 64-bit column holds, less room for every message of one request.
    /// A refused batch moves the cursor by its messages too, and 4 MiB hold as many offsets of one byte each.
    static let maximumSequence = UInt64(Int64.max) - 16_000_000
    /// Most lost ranges and publications of one request.
    static let maximumItems = 2_000
    /// Most origins in the lost ranges of one request.
    static let maximumOrigins = 20_000

    /// What the first request says.
    struct Opening {
        let stream: String
        let lane: Lane
        let epoch: Epoch
        let oldestSequence: UInt64
        let wantsSync: Bool
    }

    private let limits: MessageLimits
    private let clock: WallClock
    private let mayHoldDeadLetters: Bool

    /// - Parameter mayHoldDeadLetters: Whether the publisher is one that components run on: a core.
    init(limits: MessageLimits, clock: WallClock, mayHoldDeadLetters: Bool = false) {
        self.limits = limits
        self.clock = clock
        self.mayHoldDeadLetters = mayHoldDeadLetters
    }

    /// Reads the session of the first request.
    func opening(of request: PublishRequest) throws -> Opening {
        guard request.hasSession else {
            throw invalid("session", "the first request has to carry a session")
        }
        let session = request.session
        let stream = session.stream.isEmpty ? "default" : session.stream
        guard EntityName.isValid(stream) else {
            throw invalid(
                "session.stream", "a stream's name has 1 to 128 of the characters A-Z a-z 0-9 . _ -")
        }
        guard let epoch = Epoch(session.epoch) else {
            throw invalid("session.epoch", "an epoch has 16 bytes, not \(session.epoch.count)")
        }
        guard (1...Self.maximumSequence).contains(session.oldestSequence) else {
            throw invalid("session.oldest_sequence", "it has to lie between 1 and \(Self.maximumSequence)")
        }
        guard session.lane == .unspecified || mayHoldDeadLetters else {
            throw invalid("session.lane", "only the streams of a core have lanes; leave it away")
        }
        return Opening(
            stream: stream, lane: session.lane, epoch: epoch, oldestSequence: session.oldestSequence,
            wantsSync: session.level != .received && session.level != .stored)
    }

    /// Reads what a request publishes, sorted by sequence.
    func items(of arrived: ArrivedPublishRequest, isFirst: Bool) throws -> [IngestItem] {
        let request = arrived.request
        if !isFirst, request.hasSession {
            throw invalid("session", "only the first request may carry a session")
        }
        guard request.publications.count + request.lost.count <= Self.maximumItems else {
            throw invalid(
                "publications", "at most \(Self.maximumItems) publications and lost ranges in a request")
        }
        let now = clock.now
        var items: [IngestItem] = []
        items.reserveCapacity(request.publications.count + request.lost.count)
        for (index, publication) in request.publications.enumerated() {
            guard publication.sequence <= Self.maximumSequence else {
                throw invalid("publications.sequence", "sequences end at \(Self.maximumSequence)")
            }
            items.append(
                .messages(
                    IncomingPublication(
                        publication, encodedBatch: arrived.batch(at: index), now: now, limits: limits,
                        mayHoldDeadLetters: mayHoldDeadLetters)))
        }
        guard !request.lost.isEmpty else { return items }
        guard request.lost.reduce(0, { $0 + $1.origins.count }) <= Self.maximumOrigins else {
            throw invalid("lost.origins", "at most \(Self.maximumOrigins) origins in a request")
        }
        for lost in request.lost {
            guard lost.firstSequence >= 1, lost.lastSequence <= Self.maximumSequence,
                let positions = SequenceRange(lost.firstSequence, lost.lastSequence)
            else {
                throw invalid("lost", "a lost range goes from a first to a last sequence of at least 1")
            }
            items.append(
                .lost(IncomingLoss(positions: positions, reason: lost.reason, origins: lost.origins)))
        }
        // A stable order by sequence: QoS 0 messages stay behind what they came after.
        var position: UInt64 = 0
        let keyed = items.enumerated().map { index, item in
            if let first = item.positions?.first {
                if case .messages = item { position = first }
                return (first, index, item)
            }
            return (position, index, item)
        }
        return keyed.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }

    private func invalid(_ field: String, _ problem: String) -> HedgerowError {
        HedgerowError(
            .invalidArgument, .invalidField, "\(field): \(problem)",
            violations: [.init(field: field, description: problem)])
    }
}
