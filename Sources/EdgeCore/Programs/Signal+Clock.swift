import StreamStore
import Supervision

extension Signal {
    /// Returns at the next signal, after so long on a clock at the latest, or when the task is cancelled.
    func wait(upTo limit: Duration, on clock: MonotonicClock) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try? await clock.sleep(limit) }
            await group.next()
            group.cancelAll()
        }
    }
}
