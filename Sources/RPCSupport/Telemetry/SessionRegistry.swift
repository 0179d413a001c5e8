import GRPCCore
public import HedgerowAPI
public import Identity
public import Messaging
import Synchronization

/// Knows the live session of each (publisher, stream, lane) and ends the one before: fencing.
///
/// ``requireLive(_:)`` is to be asked inside the transaction that stores something, so that nothing of an
/// older session is stored after a newer one has read its cursor.
public final class SessionRegistry: Sendable {
    private struct Key: Hashable {
        let publisher: Principal
        let stream: String
        let lane: Lane
    }

    private struct Live {
        let generation: UInt64
        let end: @Sendable () -> Void
    }

    private struct State {
        var nextGeneration: UInt64 = 1
        var live: [Key: Live] = [:]
    }

    private let state = Mutex(State())

    /// Makes an empty registry.
    public init() {}

    /// Number of live sessions.
    public var count: Int { state.withLock { $0.live.count } }

    /// Makes a session the live one; the one before is told to end.
    ///
    /// - Parameters:
    ///   - lane: Which part of the stream, where an outage split it.
    ///   - wantsSync: Whether its messages are to survive a power cut before they are acknowledged.
    ///   - callerTraces: Whether the publisher traces as well.
    ///   - end: Called when a newer session takes over. Must not block.
    public func begin(
        publisher: Principal, stream: String, lane: Lane = .unspecified, epoch: Epoch, oldestSequence: UInt64,
        wantsSync: Bool = true, callerTraces: Bool = false, end: @escaping @Sendable () -> Void
    ) -> IngestSession {
        let key = Key(publisher: publisher, stream: stream, lane: lane)
        let (generation, previous) = state.withLock { state in
            let generation = state.nextGeneration
            state.nextGeneration += 1
            let previous = state.live.updateValue(Live(generation: generation, end: end), forKey: key)
            return (generation, previous)
        }
        previous?.end()
        return IngestSession(
            publisher: publisher, stream: stream, lane: lane, epoch: epoch, oldestSequence: oldestSequence,
            generation: generation, wantsSync: wantsSync, callerTraces: callerTraces)
    }

    /// Forgets a session that ended.
    public func end(_ session: IngestSession) {
        let key = Key(publisher: session.publisher, stream: session.stream, lane: session.lane)
        state.withLock { state in
            if state.live[key]?.generation == session.generation { state.live[key] = nil }
        }
    }

    /// Refuses a session that is not the live one.
    ///
    /// - Throws: ``HedgerowError`` ABORTED `SESSION_SUPERSEDED`.
    public func requireLive(_ session: IngestSession) throws {
        let key = Key(publisher: session.publisher, stream: session.stream, lane: session.lane)
        let live = state.withLock { $0.live[key]?.generation }
        guard live == session.generation else { throw Self.superseded(session.publisher, session.stream) }
    }

    /// The error of an epoch that is used on two streams.
    public static func sharedEpoch(_ session: IngestSession, with stream: String) -> HedgerowError {
        HedgerowError(
            .invalidArgument, .invalidField,
            "session.epoch: \(session.publisher) used this epoch on stream \"\(stream)\" already; draw one for each "
                + "stream, for an epoch and a sequence are the identity of a message")
    }

    /// The error of a session that a newer one ended.
    public static func superseded(_ publisher: Principal, _ stream: String) -> HedgerowError {
        HedgerowError(
            .aborted, .sessionSuperseded,
            "a newer session of \(publisher) on stream \"\(stream)\" took over; if that was not you, "
                + "another process uses the same identity")
    }
}
