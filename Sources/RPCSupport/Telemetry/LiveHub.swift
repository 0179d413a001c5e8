public import HedgerowAPI
public import Messaging
import Synchronization

/// Passes messages on to whoever listens right now (QoS 0), each listener with a bounded queue of its own.
///
/// A slow listener loses its own oldest messages, which are counted and said; it slows nobody else.
public final class LiveHub: Sendable {
    /// Most messages waiting for one listener.
    public static let maximumQueued = 1_000

    private struct State {
        var next = 0
        var listeners: [Int: LiveListener] = [:]
    }

    private let state = Mutex(State())

    /// Makes a hub that nobody listens to.
    public init() {}

    /// Number of listeners.
    public var count: Int { state.withLock { $0.listeners.count } }

    /// Adds a listener; take it out with ``remove(_:)``.
    ///
    /// - Parameters:
    ///   - filters: Topics that it wants.
    ///   - isWanted: Asked with the name of the first publisher.
    public func add(
        filters: [TopicFilter], isWanted: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> LiveListener {
        state.withLock { state in
            let listener = LiveListener(id: state.next, filters: filters, isWanted: isWanted)
            state.next += 1
            state.listeners[listener.id] = listener
            return listener
        }
    }

    /// Takes a listener out.
    public func remove(_ listener: LiveListener) {
        state.withLock { _ = $0.listeners.removeValue(forKey: listener.id) }
    }

    /// Passes messages of one topic and publisher on. The records are made only where somebody listens.
    public func publish(topic: Topic, publisher: String, records: () -> [MessageRecord]) {
        let listeners = state.withLock { Array($0.listeners.values) }
        let interested = listeners.filter { $0.wants(topic: topic, publisher: publisher) }
        guard !interested.isEmpty else { return }
        let messages = records()
        for listener in interested { listener.offer(messages) }
    }
}
