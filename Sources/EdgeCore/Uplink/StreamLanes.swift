import Messaging
import Synchronization

/// The epoch that each stream is appended to now.
///
/// It is the core's own, drawn at its start, until an outage splits a stream with a `liveShare`: then what lies in the
/// stream is the backlog, and what comes from there on, under an epoch of its own, the live lane. A stream in memory has
/// another one, so that a stream that moves between memory and disk never has one sequence twice.
///
/// Changes only inside transactions of the one writer, so that no batch is appended to an epoch that was left.
final class StreamLanes: Sendable {
    private let initial: Epoch
    private let initialInMemory = Epoch.random()
    private let split = Mutex<[String: Epoch]>([:])

    /// Makes lanes.
    ///
    /// - Parameter initial: The epoch of this core's process.
    init(initial: Epoch) { self.initial = initial }

    /// The epoch that a stream is appended to.
    func current(of stream: String, isInMemory: Bool) -> Epoch {
        split.withLock { $0[Self.key(stream, isInMemory)] } ?? (isInMemory ? initialInMemory : initial)
    }

    /// Draws a new epoch for what is appended from now on.
    func split(_ stream: String, isInMemory: Bool) -> Epoch {
        let epoch = Epoch.random()
        split.withLock { $0[Self.key(stream, isInMemory)] = epoch }
        return epoch
    }

    // No name has a slash.
    private static func key(_ stream: String, _ isInMemory: Bool) -> String {
        isInMemory ? "memory/\(stream)" : stream
    }
}
