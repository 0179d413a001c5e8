import HedgerowAPI

/// Deployments as the command line writes them.
enum DeploymentText {
    /// The status in one word, without the enum's prefix.
    static func word(_ status: Hedgerow_Deployment_V1_DeploymentStatus) -> String {
        switch status {
        case .pending: "PENDING"
        case .inProgress: "IN_PROGRESS"
        case .succeeded: "SUCCEEDED"
        case .failed: "FAILED"
        case .rolledBack: "ROLLED_BACK"
        case .canceled: "CANCELED"
        case .timedOut: "TIMED_OUT"
        case .unspecified, .UNRECOGNIZED: "UNKNOWN"
        }
    }

    static func style(_ status: Hedgerow_Deployment_V1_DeploymentStatus) -> Style {
        switch status {
        case .succeeded: .good
        case .pending, .inProgress: .busy
        case .failed, .rolledBack, .timedOut: .bad
        case .canceled, .unspecified, .UNRECOGNIZED: .faint
        }
    }

    /// Whether a core has come to an end.
    static func isFinal(_ status: Hedgerow_Deployment_V1_DeploymentStatus) -> Bool {
        switch status {
        case .pending, .inProgress, .unspecified, .UNRECOGNIZED: false
        case .succeeded, .failed, .rolledBack, .canceled, .timedOut: true
        }
    }

    /// Whether every core has come to an end.
    static func isFinal(_ deployment: Hedgerow_Deployment_V1_Deployment) -> Bool {
        deployment.cores.allSatisfy { isFinal($0.status) }
    }

    /// The deployment in one word: the status that all cores have, else the one that matters most.
    static func summary(_ deployment: Hedgerow_Deployment_V1_Deployment)
        -> Hedgerow_Deployment_V1_DeploymentStatus
    {
        let order: [Hedgerow_Deployment_V1_DeploymentStatus] = [
            .failed, .rolledBack, .timedOut, .inProgress, .pending, .canceled, .succeeded,
        ]
        return order.first { status in deployment.cores.contains { $0.status == status } } ?? .unspecified
    }

    /// A core's status on one line, for a live view: `pi-1  FAILED  the reason`.
    static func line(_ core: Hedgerow_Deployment_V1_CoreDeployment, coloured: Bool) -> String {
        let word = word(core.status)
        var line = "\(Text.printable(core.core))  " + (coloured ? style(core.status).apply(to: word) : word)
        if core.status == .inProgress, let stage = stageText(core) { line += "  \(stage)" }
        if !core.reason.isEmpty { line += "  \(Text.printable(core.reason))" }
        if !core.connected && !isFinal(core.status) {
            line += "  (not connected; it gets this when it returns)"
        }
        return line
    }

    static func table(_ deployment: Hedgerow_Deployment_V1_Deployment, coloured: Bool) -> String {
        var facts = [
            ("deployment", deployment.id), ("group", deployment.group),
            ("revision", "\(deployment.revision)"),
            ("created", deployment.hasCreateTime ? TimeText.milliseconds(deployment.createTime) ?? "" : "-"),
        ]
        if !deployment.creator.isEmpty { facts.append(("by", deployment.creator)) }
        if !deployment.lockOfDeployment.isEmpty { facts.append(("lock of", deployment.lockOfDeployment)) }
        if let line = rolloutLine(deployment.rollout) { facts.append(("rollout", line)) }
        if let line = stateLine(deployment) { facts.append(("state", line)) }
        if deployment.cores.count > 3 { facts.append(("cores", counts(deployment))) }
        let head = Details.render(facts)
        var table = Table(["CORE", "STATUS", "CONNECTED", "SINCE", "REASON"])
        for core in deployment.cores {
            table.add([
                Table.Cell(core.core),
                Table.Cell(
                    word(core.status) + (stageText(core).map { " (\($0))" } ?? ""), style: style(core.status)),
                Table.Cell(core.connected ? "yes" : "no", style: core.connected ? .good : .faint),
                Table.Cell(core.hasUpdateTime ? TimeText.milliseconds(core.updateTime) ?? "" : ""),
                Table.Cell(core.reason),
            ])
        }
        let lock =
            deployment.lock.isEmpty ? "" : "\n" + ComponentText.table(deployment.lock, coloured: coloured)
        return head + "\n" + table.render(coloured: coloured) + lock
    }

    static func json(_ deployment: Hedgerow_Deployment_V1_Deployment) -> JSONValue {
        .object([
            ("id", .text(deployment.id)), ("group", .text(deployment.group)),
            ("revision", .unsigned(deployment.revision)),
            ("createTime", deployment.hasCreateTime ? .text(TimeText.exact(deployment.createTime)) : .null),
            ("lock", ComponentText.json(deployment.lock)),
            (
                "lockOfDeployment",
                deployment.lockOfDeployment.isEmpty ? .null : .text(deployment.lockOfDeployment)
            ),
            ("creator", .text(deployment.creator)), ("state", .text(word(deployment.state))),
            ("stateReason", .text(deployment.stateReason)), ("rollout", json(deployment.rollout)),
            (
                "cores",
                .list(
                    deployment.cores.map { core in
                        .object([
                            ("core", .text(core.core)), ("status", .text(word(core.status))),
                            ("stage", stageText(core).map(JSONValue.text) ?? .null),
                            (
                                "stageEndTime",
                                core.hasStageEndTime ? .text(TimeText.exact(core.stageEndTime)) : .null
                            ),
                            ("reason", .text(core.reason)), ("connected", .boolean(core.connected)),
                            (
                                "startTime",
                                core.hasStartTime ? .text(TimeText.exact(core.startTime)) : .null
                            ),
                            (
                                "updateTime",
                                core.hasUpdateTime ? .text(TimeText.exact(core.updateTime)) : .null
                            ),
                        ])
                    })
            ),
        ])
    }
}
