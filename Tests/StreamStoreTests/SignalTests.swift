import StreamStore
import Synchronization
import Testing

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}

@Suite(.timeLimit(.minutes(5))) struct SignalTests {
    @Test func signalsWithoutAWaiterAreKeptAsOne() async {
        let signal = Signal()
        signal.signal()
        signal.signal()
        await signal.wait()
        // A second wait finds nothing kept: only the cancellation ends it.
        let second = Task { await signal.wait() }
        second.cancel()
        await second.value
    }

    @Test func aCancelledWaiterReturnsBeforeAndWhileItWaits() async {
        for _ in 0..<200 {
            let signal = Signal()
            let task = Task { await signal.wait() }
            if Bool.random() { await Task.yield() }
            task.cancel()
            await task.value
        }
    }

    @Test func noWakeUpIsLostBetweenTwoTasks() async {
        let signal = Signal()
        let count = Counter()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<20_000 {
                    count.add()
                    signal.signal()
                }
            }
            group.addTask {
                while count.value < 20_000 { await signal.wait() }
            }
        }
        #expect(count.value == 20_000)
    }
}
