import StreamStore
import Synchronization

/// Wakes the exports of streams, and knows which of those to the cloud are paused.
final class ExportSignals: Sendable {
    private struct State {
        var signals: [String: [String: Signal]] = [:]
        var pausedClouds: Set<String> = []
        var cloudSignals: [String: Signal] = [:]
    }

    private let state = Mutex(State())
    /// Set when exports were declared, paused or resumed.
    let changed = Signal()

    init() {}

    /// The signal of an export other than the cloud.
    func signal(of export: String, stream: String) -> Signal {
        state.withLock { state in
            if let known = state.signals[stream]?[export] { return known }
            let signal = Signal()
            state.signals[stream, default: [:]][export] = signal
            return signal
        }
    }

    /// Forgets the signal of an export that is gone.
    func remove(_ export: String, stream: String) {
        state.withLock { state in
            state.signals[stream]?[export] = nil
            if state.signals[stream]?.isEmpty == true { state.signals[stream] = nil }
        }
    }

    /// Something was appended to these streams, or their exports changed.
    func wake(_ streams: Set<String>) {
        let signals = state.withLock { state -> [Signal] in
            if state.signals.isEmpty { return [] }
            return streams.flatMap { state.signals[$0].map { Array($0.values) } ?? [] }
        }
        for signal in signals { signal.signal() }
    }

    // MARK: The cloud

    /// Whether a stream's export to the cloud was told to wait.
    func isCloudPaused(_ stream: String) -> Bool { state.withLock { $0.pausedClouds.contains(stream) } }

    /// Says which streams' exports to the cloud were told to wait, and wakes all of those.
    func setPausedClouds(_ streams: Set<String>) {
        let signals = state.withLock { state in
            state.pausedClouds = streams
            return Array(state.cloudSignals.values)
        }
        for signal in signals { signal.signal() }
    }

    /// Set when a stream's export to the cloud may have been paused, resumed, put in or taken out.
    func cloudSignal(of stream: String) -> Signal {
        state.withLock { state in
            if let known = state.cloudSignals[stream] { return known }
            let signal = Signal()
            state.cloudSignals[stream] = signal
            return signal
        }
    }
}
