import HedgerowAPI
import RPCSupport
import StreamStore
import Synchronization

/// Tells the sessions of each stream's uplink that something new is there, and holds its QoS 0 messages.
final class UplinkSignals: Sendable {
    /// Most QoS 0 messages waiting per stream; the oldest falls out.
    static let maximumTransient = 1_000
    /// Most bytes of them per stream; the oldest falls out.
    static let maximumTransientBytes = 4 << 20

    /// What one session waits on.
    final class Listener: Sendable {
        let signal = Signal()
        private let arrived = Mutex(0)

        fileprivate init() {}

        /// Messages that were appended to the stream since ``forget()``.
        var arrivedMessages: Int { arrived.withLock { $0 } }

        /// Counts from nothing again.
        func forget() { arrived.withLock { $0 = 0 } }

        fileprivate func wake(messages: Int) {
            if messages > 0 { arrived.withLock { $0 += messages } }
            signal.signal()
        }
    }

    private struct Waiting {
        var publications: [(publication: Publication, bytes: Int)] = []
        var bytes = 0
    }

    private struct State {
        var listeners: [String: [Listener]] = [:]
        var transient: [String: Waiting] = [:]
        var connected: Set<String> = []
        var dropped: UInt64 = 0
    }

    private let state = Mutex(State())

    init() {}

    /// QoS 0 messages that were dropped because the cloud was away or slow.
    var dropped: UInt64 { state.withLock { $0.dropped } }

    /// Listens to a stream, until ``stop(_:to:)``.
    func listen(to stream: String) -> Listener {
        let listener = Listener()
        state.withLock { $0.listeners[stream, default: []].append(listener) }
        return listener
    }

    /// How many listen to a stream.
    func listeners(of stream: String) -> Int { state.withLock { $0.listeners[stream]?.count ?? 0 } }

    func stop(_ listener: Listener, to stream: String) {
        state.withLock { state in
            state.listeners[stream]?.removeAll { $0 === listener }
            if state.listeners[stream]?.isEmpty == true { state.listeners[stream] = nil }
        }
    }

    /// Something new is in streams.
    ///
    /// - Parameter messages: How many messages were appended to each, where that is known.
    func wake(_ streams: Set<String>, messages: [String: Int] = [:]) {
        let listeners = state.withLock { state in
            streams.flatMap { name in (state.listeners[name] ?? []).map { ($0, messages[name] ?? 0) } }
        }
        for (listener, count) in listeners { listener.wake(messages: count) }
    }

    /// Says whether a stream's uplink can send; QoS 0 messages are kept only while it can.
    func setConnected(_ stream: String, _ isConnected: Bool) {
        state.withLock { state in
            if isConnected {
                state.connected.insert(stream)
            } else {
                state.connected.remove(stream)
                state.dropped += UInt64(state.transient.removeValue(forKey: stream)?.publications.count ?? 0)
            }
        }
    }

    /// Passes QoS 0 messages on, or drops them.
    ///
    /// - Parameter bytes: About how large the publication is.
    func send(_ publication: Publication, bytes: Int, stream: String) {
        let isTaken = state.withLock { state in
            guard state.connected.contains(stream) else {
                state.dropped += 1
                return false
            }
            var waiting = state.transient[stream] ?? Waiting()
            state.transient[stream] = nil
            waiting.publications.append((publication, bytes))
            waiting.bytes += bytes
            var excess = 0
            while waiting.publications.count - excess > Self.maximumTransient
                || (waiting.bytes > Self.maximumTransientBytes && excess < waiting.publications.count - 1)
            {
                waiting.bytes -= waiting.publications[excess].bytes
                excess += 1
            }
            waiting.publications.removeFirst(excess)
            state.dropped += UInt64(excess)
            state.transient[stream] = waiting
            return true
        }
        if isTaken { wake([stream]) }
    }

    /// Takes the QoS 0 messages that wait, oldest first; after the first at most so many bytes, and at most
    /// ``maximumTransient``.
    func takeTransient(_ stream: String, maximumBytes: Int) -> [Publication] {
        state.withLock { state in
            guard var waiting = state.transient.removeValue(forKey: stream) else { return [] }
            var count = 0
            var bytes = 0
            for (_, size) in waiting.publications {
                guard count == 0 || bytes + size <= maximumBytes else { break }
                bytes += size
                count += 1
            }
            let taken = waiting.publications.prefix(count).map(\.publication)
            waiting.publications.removeFirst(count)
            waiting.bytes -= bytes
            if !waiting.publications.isEmpty { state.transient[stream] = waiting }
            return taken
        }
    }
}
