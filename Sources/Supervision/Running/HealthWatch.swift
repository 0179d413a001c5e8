/// What is known of a program's health since its start, as a value: what the answers say, and what is due
/// when.
struct HealthWatch: Sendable {
    /// What follows from an answer or from its absence.
    enum Verdict: Equatable {
        /// Nothing new.
        case unchanged
        /// It works; the first such answer makes it RUNNING.
        case healthy
        /// Bad, and not for long enough.
        case unwell(String)
        /// Bad for too long: an error.
        case failed(String)
    }

    let health: ProgramHealth
    /// Whether it was healthy once.
    private(set) var wasHealthy = false
    /// When the next command is due, or the next report overdue.
    private(set) var due: Duration
    private var failures = 0
    private var reportsSeen = 0

    init(_ health: ProgramHealth, now: Duration) {
        self.health = health
        due = now + (health.command == nil ? health.interval : .zero)
    }

    /// A command was begun; the next one is due so much later.
    mutating func begun(_ now: Duration) {
        due = now + (wasHealthy ? health.interval : min(health.interval, ProgramHealth.startInterval))
    }

    /// Takes an answer.
    mutating func answer(_ problem: String?, now: Duration) -> Verdict {
        guard let problem else {
            wasHealthy = true
            failures = 0
            if health.command != nil { due = now + health.interval }
            return .healthy
        }
        return count(problem)
    }

    /// Takes the last report, or notes that one is missing. Until the first good one nothing is counted: for
    /// that there is the time to start.
    mutating func look(_ report: HealthReport?, now: Duration) -> Verdict {
        if let report, report.number != reportsSeen {
            reportsSeen = report.number
            due = report.at + health.interval
            let problem = report.reason.map { "it reports that it is not healthy: \($0)" }
            return answer(
                report.isHealthy ? nil : problem ?? "it reports that it is not healthy", now: now)
        }
        guard now >= due else { return .unchanged }
        due = now + health.interval
        return count("it did not report its health within \(health.interval.inWords)")
    }

    private mutating func count(_ problem: String) -> Verdict {
        guard wasHealthy else { return .unwell(problem) }
        failures += 1
        return failures >= health.failures ? .failed(problem) : .unwell(problem)
    }
}
