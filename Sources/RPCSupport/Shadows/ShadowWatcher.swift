public import Shadows
import StreamStore
import Synchronization

/// Somebody who follows shadows.
public final class ShadowWatcher: Sendable {
    /// Most refusals that wait for one who follows; the oldest fall out.
    public static let maximumRejected = 100

    let id: Int
    /// Things that it follows; nil for all.
    let things: Set<String>?
    /// Whether it follows a shadow of its things.
    let wants: @Sendable (ShadowKey) -> Bool
    private let arrival = Signal()
    private let waiting = Mutex<[(key: ShadowKey, document: String)]>([])

    init(id: Int, things: Set<String>?, wants: @escaping @Sendable (ShadowKey) -> Bool) {
        self.id = id
        self.things = things
        self.wants = wants
    }

    /// Makes the next ``wait()`` return.
    public func wake() { arrival.signal() }

    func offer(_ key: ShadowKey, _ document: String) {
        waiting.withLock { waiting in
            waiting.append((key, document))
            if waiting.count > Self.maximumRejected {
                waiting.removeFirst(waiting.count - Self.maximumRejected)
            }
        }
        arrival.signal()
    }

    /// The refusals that wait, the oldest first.
    public func takeRejected() -> [(key: ShadowKey, document: String)] {
        waiting.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
    }

    /// Returns when something may have happened since the last look, or the task is cancelled.
    public func wait() async { await arrival.wait() }

    /// The same, and returns after so long at the latest.
    public func wait(upTo timeout: Duration) async { await arrival.wait(upTo: timeout) }
}
