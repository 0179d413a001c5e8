import HedgerowAPI

/// Histories of groups as the command line writes them.
enum GroupHistoryText {
    static func table(_ revisions: [Hedgerow_Registry_V1_GroupRevisionSummary], coloured: Bool) -> String {
        var table = Table(["REVISION", "MADE", "BY", "CHANGED", "DEPLOYMENTS"])
        for revision in revisions {
            table.add([
                Table.Cell("\(revision.revision)"),
                Table.Cell(revision.hasCreateTime ? TimeText.milliseconds(revision.createTime) ?? "" : ""),
                Table.Cell(revision.author), Table.Cell(revision.summary),
                Table.Cell(deployments(revision), style: style(revision)),
            ])
        }
        return table.render(coloured: coloured)
    }

    private static func style(_ revision: Hedgerow_Registry_V1_GroupRevisionSummary) -> Style {
        revision.deployments.first.map { DeploymentText.style($0.outcome) } ?? .faint
    }

    /// `d-1 SUCCEEDED, d-0 FAILED 1/2`, the newest first.
    private static func deployments(_ revision: Hedgerow_Registry_V1_GroupRevisionSummary) -> String {
        var parts = revision.deployments.prefix(3).map { deployment in
            let counts =
                deployment.outcome == .succeeded
                ? "" : " \(deployment.succeededCount)/\(deployment.coreCount)"
            let mark = deployment.lockOfDeployment.isEmpty ? "" : " (rollback)"
            return "\(deployment.id) \(DeploymentText.word(deployment.outcome))\(counts)\(mark)"
        }
        let more = Int(revision.deploymentCount) - parts.count
        if more > 0 { parts.append("and \(more) more") }
        return parts.joined(separator: ", ")
    }

    static func json(_ revision: Hedgerow_Registry_V1_GroupRevisionSummary) -> JSONValue {
        .object([
            ("revision", .unsigned(revision.revision)),
            ("createTime", revision.hasCreateTime ? .text(TimeText.exact(revision.createTime)) : .null),
            ("author", revision.author.isEmpty ? .null : .text(revision.author)),
            ("summary", .text(revision.summary)),
            ("deploymentCount", .unsigned(UInt64(revision.deploymentCount))),
            (
                "deployments",
                .list(
                    revision.deployments.map { deployment in
                        .object([
                            ("id", .text(deployment.id)),
                            (
                                "createTime",
                                deployment.hasCreateTime
                                    ? .text(TimeText.exact(deployment.createTime)) : .null
                            ),
                            ("outcome", .text(DeploymentText.word(deployment.outcome))),
                            ("cores", .unsigned(UInt64(deployment.coreCount))),
                            ("succeeded", .unsigned(UInt64(deployment.succeededCount))),
                            (
                                "lockOfDeployment",
                                deployment.lockOfDeployment.isEmpty
                                    ? .null : .text(deployment.lockOfDeployment)
                            ),
                        ])
                    })
            ),
        ])
    }
}
