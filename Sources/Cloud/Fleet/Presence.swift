import FoundationEssentials
import Synchronization

/// Who is connected now: cores by their attachments, things that talk straight to the cloud by their streams.
///
/// When somebody left is kept here until ``Housekeeping`` has written it down.
final class Presence: Sendable {
    private struct State {
        var counts: [String: Int] = [:]
        var left: [String: Date] = [:]
    }

    private let state = Mutex(State())

    init() {}

    /// A long stream of a thing or core began.
    func enter(_ name: String) { state.withLock { $0.counts[name, default: 0] += 1 } }

    /// It ended.
    func leave(_ name: String, at time: Date) {
        state.withLock { state in
            let count = (state.counts[name] ?? 0) - 1
            state.counts[name] = count > 0 ? count : nil
            state.left[name] = time
        }
    }

    /// Whether somebody of that name is connected.
    func isConnected(_ name: String) -> Bool { state.withLock { $0.counts[name] != nil } }

    /// When somebody left that is not written down yet.
    func lastLeft(_ name: String) -> Date? { state.withLock { $0.left[name] } }

    /// Everybody who is connected.
    var connected: [String] { state.withLock { Array($0.counts.keys) } }

    /// Who left since the last call, to be written down.
    func takeLeft() -> [String: Date] {
        state.withLock { state in
            defer { state.left = [:] }
            return state.left
        }
    }
}
