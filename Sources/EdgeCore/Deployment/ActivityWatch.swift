import Supervision

/// Watches transforms by what they did with the messages that they were given.
struct ActivityWatch: SettlingWatch {
    /// Messages from which on it counts that an instance failed on every one.
    static let minimumMessages: UInt64 = 3
    /// Time between two looks.
    static let interval = Duration.milliseconds(100)

    let activity: ComponentActivity
    let clock: MonotonicClock

    func settle(
        _ instances: [RunningComponent], of running: RunningRevision, for time: Duration
    ) async throws {
        guard !instances.isEmpty else { return }
        let end = clock.now() + time
        while true {
            for instance in instances {
                guard let recent = activity.recent(instance.instance), recent.generation >= running.number,
                    recent.input >= Self.minimumMessages, recent.failed >= recent.input
                else { continue }
                throw SettlingFailure(
                    description: "component instance \"\(instance.instance)\" (\(instance.component) "
                        + "\(instance.version)) failed on all \(recent.input) messages that it got since the switch; "
                        + "the last error: \(recent.lastFailure)")
            }
            let left = end - clock.now()
            guard left > .zero else { return }
            try await clock.sleep(min(left, Self.interval))
        }
    }
}
