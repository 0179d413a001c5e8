import Components
import Supervision

extension Programs: SettlingWatch {
    /// Time between two looks.
    private static let interval = Duration.milliseconds(50)

    /// A program has settled when it was RUNNING for its settling time, or the deployment's where that is longer, or is
    /// FINISHED; one that is started on demand, when it is installed.
    func settle(
        _ instances: [RunningComponent], of running: RunningRevision, for time: Duration
    ) async throws {
        let components = instances.filter { $0.process != nil }
        while true {
            var isDone = true
            for component in components {
                let hasSettled = try hasSettled(component, time)
                if !hasSettled { isDone = false }
            }
            if isDone { return }
            try await clock.sleep(Self.interval)
        }
    }

    private func hasSettled(_ component: RunningComponent, _ time: Duration) throws(SettlingFailure) -> Bool {
        guard let definition = component.process else { return true }
        let (status, problem) = state(of: component)
        let who = "component instance \"\(component.instance)\" (\(component.component) \(component.version))"
        if let problem { throw SettlingFailure(description: "\(who): \(problem)") }
        guard let status else { return false }
        switch status.state {
        case .broken:
            throw SettlingFailure(description: "\(who) is broken: \(status.reason ?? "it ended too often")")
        case .running: return clock.now() - status.since >= max(definition.settle.duration, time)
        case .finished: return true
        case .installed: return definition.mode == .onDemand
        case .new, .starting, .stopping, .errored: return false
        }
    }
}
