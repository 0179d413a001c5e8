import Synchronization

/// Spans between those who end them and the one who exports them. Bounded: when it is full, what comes is dropped
/// and counted, and nobody ever waits.
public final class SpanBuffer: Sendable {
    private struct State {
        var spans: [SpanRecord] = []
        var dropped: UInt64 = 0
        var onBatch: (@Sendable () -> Void)?
    }

    /// Most spans that wait.
    public let capacity: Int
    /// Spans that are exported together; when so many wait, the exporter is told at once.
    public let batchSize: Int
    private let state = Mutex(State())

    /// Makes a buffer.
    ///
    /// - Parameters:
    ///   - capacity: `OTEL_BSP_MAX_QUEUE_SIZE`, 2,048 by default.
    ///   - batchSize: `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, 512 by default, at most `capacity`.
    public init(capacity: Int = 2_048, batchSize: Int = 512) {
        self.capacity = max(1, capacity)
        self.batchSize = min(max(1, batchSize), max(1, capacity))
    }

    /// Adds a span, or drops it.
    public func add(_ span: SpanRecord) {
        let tell = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.spans.count < capacity else {
                state.dropped += 1
                return nil
            }
            state.spans.append(span)
            return state.spans.count == batchSize ? state.onBatch : nil
        }
        tell?()
    }

    /// Takes the oldest spans, at most ``batchSize``.
    public func take() -> [SpanRecord] {
        state.withLock { state in
            let taken = Array(state.spans.prefix(batchSize))
            state.spans.removeFirst(taken.count)
            return taken
        }
    }

    /// How many spans were dropped since this was asked for the last time.
    public func takeDropped() -> UInt64 {
        state.withLock { state in
            defer { state.dropped = 0 }
            return state.dropped
        }
    }

    /// How many wait.
    public var count: Int { state.withLock { $0.spans.count } }

    /// Says whom to tell, quickly and without waiting, when a whole batch has gathered.
    public func whenBatchGathers(_ tell: @escaping @Sendable () -> Void) {
        state.withLock { $0.onBatch = tell }
    }
}
