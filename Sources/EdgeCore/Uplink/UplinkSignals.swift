import HedgerowAPI
import RPCSupport
import StreamStore
import Synchronization

/// Tells each stream's uplink that something new is there, and holds its QoS 0 messages.
final class UplinkSignals: Sendable {
    /// Most QoS 0 messages waiting per stream; the oldest falls out.
    static let maximumTransient = 1_000
    /// Most bytes of them per stream; the oldest falls out.
    static let maximumTransientBytes = 4 << 20

    private struct Waiting {
        var publications: [(publication: Publication, bytes: Int)] = []
        var bytes = 0
    }

    private struct State {
        var signals: [String: Signal] = [:]
        var transient: [String: Waiting] = [:]
        var connected: Set<String> = []
        var dropped: UInt64 = 0
    }

    private let state = Mutex(State())

    init() {}

    /// QoS 0 messages that were dropped because the cloud was away or slow.
    var dropped: UInt64 { state.withLock { $0.dropped } }

    /// The signal of a stream.
    func signal(of stream: String) -> Signal {
        state.withLock { state in
            if let known = state.signals[stream] { return known }
            let signal = Signal()
            state.signals[stream] = signal
            return signal
        }
    }

    func wake(_ streams: Set<String>) {
        for stream in streams { signal(of: stream).signal() }
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
        if isTaken { signal(of: stream).signal() }
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
