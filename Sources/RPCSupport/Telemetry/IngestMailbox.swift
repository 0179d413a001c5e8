import StreamStore
import Synchronization

/// Items between the reader of a publish stream and its processor; bounded, one of each.
///
/// At the bound the reader waits, and with it, through HTTP/2's flow control, the publisher.
final class IngestMailbox: Sendable {
    /// Most bytes waiting (an item that is larger alone still fits).
    static let maximumWeight = 4 << 20
    /// Most items waiting.
    static let maximumItems = 4_096

    private struct State {
        var items: [IngestItem] = []
        var weight = 0
        var isEnded = false
    }

    private let state = Mutex(State())
    private let arrival = Signal()
    private let space = Signal()

    /// Adds items, waiting for space first.
    func offer(_ items: [IngestItem]) async throws {
        guard !items.isEmpty else { return }
        let weight = items.reduce(0) { $0 + $1.weight }
        while true {
            try Task.checkCancellation()
            let taken = state.withLock { state in
                guard state.weight < Self.maximumWeight, state.items.count < Self.maximumItems else {
                    return false
                }
                state.items.append(contentsOf: items)
                state.weight += weight
                return true
            }
            if taken { break }
            await space.wait()
        }
        arrival.signal()
    }

    /// Says that nothing more comes.
    func end() {
        state.withLock { $0.isEnded = true }
        arrival.signal()
    }

    /// Everything that waits, as soon as there is something; nil at the end.
    func takeAll() async throws -> [IngestItem]? {
        while true {
            try Task.checkCancellation()
            let (items, isEnded) = state.withLock { state in
                defer {
                    state.items = []
                    state.weight = 0
                }
                return (state.items, state.isEnded)
            }
            if !items.isEmpty {
                space.signal()
                return items
            }
            if isEnded { return nil }
            await arrival.wait()
        }
    }
}
