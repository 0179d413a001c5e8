import HedgerowAPI

/// What becomes of one deployment on the core that runs here.
struct DevOutcome {
    /// Something to say about it.
    enum Line: Equatable {
        case good(String)
        case bad(String)
    }

    let revision: UInt64
    /// What it changes: `restarted republish`.
    let changes: String
    /// Whether the core runs it by now, or did.
    private(set) var isApplied = false
    /// Whether it came to its end.
    private(set) var isOver = false

    init(revision: UInt64, changes: String) {
        self.revision = revision
        self.changes = changes
    }

    /// Takes how the core stands; returns what to say.
    ///
    /// - Parameter seconds: since the change was seen.
    mutating func take(_ core: Hedgerow_Deployment_V1_CoreDeployment, after seconds: Double) -> Line? {
        isOver = DeploymentText.isFinal(core.status)
        switch core.status {
        case .succeeded: return applied(after: seconds)
        case .inProgress where core.stage == .settle: return applied(after: seconds)
        case .failed, .timedOut:
            return .bad("revision \(revision) was not applied; what ran goes on: \(Self.reason(core))")
        case .rolledBack:
            return .bad("revision \(revision) failed; the one before runs again: \(Self.reason(core))")
        default: return nil
        }
    }

    private mutating func applied(after seconds: Double) -> Line? {
        guard !isApplied else { return nil }
        isApplied = true
        return .good("applied revision \(revision) in \(DemoReadings.fixed(seconds, 1)) s: \(changes)")
    }

    private static func reason(_ core: Hedgerow_Deployment_V1_CoreDeployment) -> String {
        if !core.reason.isEmpty { return Text.printable(core.reason) }
        return core.status == .timedOut ? "it did not come to an end in time" : "no reason given"
    }
}
