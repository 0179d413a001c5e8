import Components
import GRDB
import HedgerowAPI
import Logging
import RPCSupport
import ServiceLifecycle
import StreamStore
import Supervision

/// Lets messages expire that are older than the time to live of their stream. What the cloud does not have is entered as
/// lost, in the same transaction; nothing expires silently.
///
/// The first look is at the start of the core. How old a message is, ``ExpiryWatch`` says.
struct StreamExpiry: Service {
    /// How often the streams are looked at.
    static let interval = Duration.seconds(10)

    /// What is remembered from one look to the next.
    struct State {
        fileprivate var disk: ExpiryWatch
        fileprivate var memory: ExpiryWatch
    }

    let parts: TelemetryParts
    var clock = MonotonicClock.continuous

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var state = try await begin()
            while true {
                do {
                    try await look(&state)
                } catch {
                    try Task.checkCancellation()
                    parts.onceAMinute("expiry failed") {
                        parts.logger.warning(
                            "messages that are older than their time to live cannot be taken out; tried again",
                            metadata: ["error.message": "\(error)"])
                    }
                }
                try await clock.sleep(Self.interval)
            }
        }
    }

    /// Takes the clocks as they are at the start.
    func begin() async throws -> State {
        let newest = try await parts.pool.read { try DurableStreams($0).newestEpochID() }
        let (time, wall) = (clock.now(), parts.clock.now)
        return State(
            disk: ExpiryWatch(time: time, wall: wall, epochsBefore: newest),
            memory: ExpiryWatch(time: time, wall: wall, epochsBefore: 0))
    }

    /// Looks at all streams that have a time to live.
    func look(_ state: inout State) async throws {
        let parts = parts
        try await look(&state.disk) { body in
            try await parts.commit { db in try body(DurableStreams(db)) }
        }
        guard let memory = parts.streams.memory else { return }
        try await look(&state.memory) { body in
            try await memory.write { db in try body(DurableStreams(db)) }
        }
    }

    private typealias Work = @Sendable (DurableStreams) throws -> Outcome

    private struct Outcome: Sendable {
        var deletion = StreamDeletion()
        var hasMore = false
        var newest: [Int64: UInt64] = [:]
    }

    private func look(
        _ watch: inout ExpiryWatch, write: (@escaping Work) async throws -> Outcome
    ) async throws {
        let (time, wall) = (clock.now(), parts.clock.now)
        if watch.hasJumped(time: time, wall: wall) {
            _ = try await write { streams in
                try streams.doubtReceiveTimes()
                return Outcome()
            }
        }
        watch.accept(time: time, wall: wall)
        let table = parts.table
        var living: Set<String> = []
        for stream in table.streamNames.sorted() {
            guard let span = table.settings(of: stream).timeToLive else { continue }
            living.insert(stream)
            let timeToLive = Duration.milliseconds(span.milliseconds)
            try await expire(
                stream,
                watch.bounds(
                    of: stream, timeToLive: timeToLive, time: time, wall: wall,
                    isClockDoubtful: parts.isClockDoubtful()), write: write)
            let now = try await write { Outcome(newest: try $0.newestSequences(of: stream)) }
            // What came while this was on its way is as old as the look, not as its mark.
            watch.mark(stream, newest: now.newest, timeToLive: timeToLive, time: clock.now())
        }
        watch.keep(living)
    }

    private func expire(
        _ stream: String, _ bounds: ExpiryBounds, write: (@escaping Work) async throws -> Outcome
    ) async throws {
        var (messages, lost): (UInt64, UInt64) = (0, 0)
        var hasMore = true
        while hasMore {
            let outcome = try await write { streams in
                let (deletion, hasMore) = try streams.expire(
                    stream, bounds, reason: LossReason.expired.rawValue)
                return Outcome(deletion: deletion, hasMore: hasMore)
            }
            hasMore = outcome.hasMore
            messages += outcome.deletion.messages
            lost += outcome.deletion.lost
        }
        guard messages > 0 else { return }
        parts.counters.lost(lost, .expired, of: stream)
        parts.uplinks.wake([stream])
        parts.exports.wake([stream])
        parts.onceAMinute("expired \(stream)") {
            parts.logger.notice(
                "messages expired; the ledger names those that the cloud did not have",
                metadata: [
                    "stream": "\(stream)", "messages.count": "\(messages)", "messages.lost": "\(lost)",
                ])
        }
    }
}
