public import Logging
import Messaging
import Synchronization

/// What the disk damaged in the streams of a running program: each place is said once, and counted.
public final class StreamDamage: Sendable {
    /// Most places that are remembered; when there are more, the oldest may be said again.
    public static let maximumPlaces = 10_000

    /// How much was found.
    public struct Statistics: Hashable, Sendable {
        /// Places: runs of sequences of an epoch.
        public var places: UInt64 = 0
        /// Messages that were at them.
        public var messages: UInt64 = 0
    }

    private struct Place: Hashable {
        let epochID: Int64
        let first: UInt64
    }

    private struct State {
        var known: Set<Place> = []
        var statistics = Statistics()
    }

    private let logger: Logger
    private let state = Mutex(State())

    /// Makes an account of damage with nothing in it.
    public init(logger: Logger) { self.logger = logger }

    /// How much was found since the start.
    public var statistics: Statistics { state.withLock { $0.statistics } }

    /// Takes down that what was at some sequences cannot be read.
    func found(_ positions: SequenceRange, epochID: Int64, stream: String) {
        let isNew = state.withLock { state in
            if state.known.count >= Self.maximumPlaces { state.known.removeAll() }
            guard state.known.insert(Place(epochID: epochID, first: positions.first)).inserted else {
                return false
            }
            state.statistics.places += 1
            state.statistics.messages += positions.count
            return true
        }
        guard isNew else { return }
        logger.error(
            "stored messages are damaged; they are entered as lost",
            metadata: [
                "stream": "\(stream)", "sequence.first": "\(positions.first)",
                "sequence.last": "\(positions.last)",
            ])
    }
}
