public import HedgerowAPI
import Messaging
import StreamStore
import Synchronization

/// One listener of a ``LiveHub``.
public final class LiveListener: Sendable {
    private struct State {
        var records: [MessageRecord] = []
        var dropped: UInt64 = 0
    }

    let id: Int
    private let filters: [TopicFilter]
    private let isWanted: @Sendable (String) -> Bool
    private let state = Mutex(State())
    private let arrival = Signal()

    init(id: Int, filters: [TopicFilter], isWanted: @escaping @Sendable (String) -> Bool) {
        self.id = id
        self.filters = filters
        self.isWanted = isWanted
    }

    func wants(topic: Topic, publisher: String) -> Bool {
        isWanted(publisher) && filters.contains { $0.matches(topic) }
    }

    func offer(_ records: [MessageRecord]) {
        state.withLock { state in
            state.records.append(contentsOf: records)
            let excess = state.records.count - LiveHub.maximumQueued
            if excess > 0 {
                state.records.removeFirst(excess)
                state.dropped += UInt64(excess)
            }
        }
        arrival.signal()
    }

    /// What waits now, oldest first, and how many were dropped since the last time.
    public func take(limit: Int) -> (records: [MessageRecord], dropped: UInt64) {
        state.withLock { state in
            let records = Array(state.records.prefix(limit))
            state.records.removeFirst(records.count)
            defer { state.dropped = 0 }
            return (records, state.dropped)
        }
    }

    /// Returns when something may wait, or the task is cancelled.
    public func wait() async { await arrival.wait() }
}
