import Dispatch

/// Runs an actor on a thread of its own queue, where transfers may block, and never on the cooperative pool.
final class BusExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "hedgerow.bme680")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
