import HedgerowAPI
import RPCSupport

/// Rollouts as the command line writes them.
extension DeploymentText {
    /// The state in one word.
    static func word(_ state: Hedgerow_Deployment_V1_RolloutState) -> String {
        switch state {
        case .running: "RUNNING"
        case .paused: "PAUSED"
        case .canceled: "CANCELED"
        case .aborted: "ABORTED"
        case .unspecified, .UNRECOGNIZED: "UNKNOWN"
        }
    }

    /// Where a core is while it is under way; nil where it is not, or does not say.
    static func stageText(_ core: Hedgerow_Deployment_V1_CoreDeployment) -> String? {
        guard core.status == .inProgress else { return nil }
        return switch core.stage {
        case .fetch: "fetching"
        case .verify: "verifying"
        case .stage: "staging"
        case .switch: "switching"
        case .settle: "settling"
        case .back: "going back"
        case .unspecified, .UNRECOGNIZED: nil
        }
    }

    /// What stopped the rollout or holds it; nil where it goes on.
    static func stateLine(_ deployment: Hedgerow_Deployment_V1_Deployment) -> String? {
        switch deployment.state {
        case .paused, .canceled, .aborted:
            word(deployment.state)
                + (deployment.stateReason.isEmpty ? "" : ": \(Text.printable(deployment.stateReason))")
        case .running, .unspecified, .UNRECOGNIZED: nil
        }
    }

    /// How the rollout goes about it; nil where all cores begin at once and nothing is special.
    static func rolloutLine(_ policy: Hedgerow_Deployment_V1_RolloutPolicy) -> String? {
        var parts: [String] = []
        if policy.hasRate {
            var rate = "at most \(policy.rate.maxPerMinute) cores a minute"
            if policy.rate.factor > 1 {
                rate +=
                    ", times \(policy.rate.factor.formattedShortly) after every \(policy.rate.successes) successes"
            }
            parts.append(rate)
        }
        if policy.maxInFlight > 0 { parts.append("at most \(policy.maxInFlight) at once") }
        if policy.hasAbort {
            parts.append(
                "stops where more than \(policy.abort.failedPercent.formattedShortly) % of at least "
                    + "\(policy.abort.minimumFinished) fail")
        }
        if policy.failurePolicy == .stay { parts.append("cores stay on what fails") }
        if policy.hasSettlingTime {
            parts.append("settles for \(policy.settlingTime.milliseconds / 1_000) s")
        }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    /// `12 of 200 succeeded, 1 failed, 3 under way, 184 waiting`.
    static func counts(_ deployment: Hedgerow_Deployment_V1_Deployment) -> String {
        func count(_ statuses: Hedgerow_Deployment_V1_DeploymentStatus...) -> Int {
            deployment.cores.count { statuses.contains($0.status) }
        }
        let all = [
            (count(.failed, .rolledBack, .timedOut), "failed"), (count(.canceled), "canceled"),
            (count(.inProgress), "under way"), (count(.pending), "waiting"),
        ]
        return
            (["\(count(.succeeded)) of \(deployment.cores.count) succeeded"]
            + all.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }).joined(separator: ", ")
    }

    /// The rows of the live view: who is under way, then who failed, then who waits, as far as there is room.
    static func rows(_ deployment: Hedgerow_Deployment_V1_Deployment) -> [String] {
        let order: [Hedgerow_Deployment_V1_DeploymentStatus] = [
            .inProgress, .failed, .rolledBack, .timedOut, .pending,
        ]
        let cores = order.flatMap { status in deployment.cores.filter { $0.status == status } }
        let shown = cores.count > StatusLine.maximumRows ? StatusLine.maximumRows - 1 : cores.count
        var rows = cores.prefix(shown).map { "  " + line($0, coloured: false) }
        if cores.count > shown { rows.append("  and \(cores.count - shown) more") }
        return rows
    }

    static func json(_ policy: Hedgerow_Deployment_V1_RolloutPolicy) -> JSONValue {
        let rate: JSONValue =
            policy.hasRate
            ? .object([
                ("maxPerMinute", .unsigned(UInt64(policy.rate.maxPerMinute))),
                ("factor", .number(policy.rate.factor)),
                ("successes", .unsigned(UInt64(policy.rate.successes))),
            ]) : .null
        let abort: JSONValue =
            policy.hasAbort
            ? .object([
                ("failedPercent", .number(policy.abort.failedPercent)),
                ("minimumFinished", .unsigned(UInt64(policy.abort.minimumFinished))),
            ]) : .null
        return .object([
            ("rate", rate),
            ("maxInFlight", policy.maxInFlight > 0 ? .unsigned(UInt64(policy.maxInFlight)) : .null),
            ("abort", abort), ("failurePolicy", .text(policy.failurePolicy == .stay ? "stay" : "rollback")),
            (
                "settlingTimeSeconds",
                policy.hasSettlingTime ? .number(Double(policy.settlingTime.milliseconds) / 1_000) : .null
            ),
        ])
    }
}

extension Double {
    /// Without a fraction where there is none.
    fileprivate var formattedShortly: String { self == rounded() ? "\(Int(self))" : "\(self)" }
}
