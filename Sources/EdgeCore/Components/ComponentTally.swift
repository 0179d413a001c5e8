/// What one component instance did with one batch; counted once the batch is stored.
struct ComponentTally: Sendable {
    /// Name of the instance.
    let instance: String
    /// Name of the component.
    let component: String
    /// Version that ran.
    let version: String
    /// Number of the running revision (``RunningRevision/number``).
    let generation: UInt64
    /// Number of the one with which the instance began to run as it is (``RunningComponent/start``).
    let start: UInt64
    /// Messages that it was given.
    var input: UInt64 = 0
    /// Messages that it published, dead letters not among them.
    var output: UInt64 = 0
    /// Messages that its steps dropped.
    var filtered: UInt64 = 0
    /// Messages that it failed on, by cause.
    var failures: [String: UInt64] = [:]

    init(_ component: RunningComponent, generation: UInt64) {
        instance = component.instance
        self.component = component.component
        version = component.version
        self.generation = generation
        start = component.start
    }
}
