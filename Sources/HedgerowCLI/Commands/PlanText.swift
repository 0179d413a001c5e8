import HedgerowAPI
import RPCSupport

/// A plan for people and for programs.
enum PlanText {
    static func word(_ action: Hedgerow_Deployment_V1_PlannedAction) -> String {
        switch action {
        case .start: "START"
        case .restart: "RESTART"
        case .configure: "CONFIGURE"
        case .unchanged: "UNCHANGED"
        case .stop: "STOP"
        case .unspecified, .UNRECOGNIZED: "UNKNOWN"
        }
    }

    private static func style(_ action: Hedgerow_Deployment_V1_PlannedAction) -> Style {
        switch action {
        case .start: .good
        case .restart, .stop, .configure: .busy
        case .unchanged, .unspecified, .UNRECOGNIZED: .plain
        }
    }

    // MARK: For people

    static func table(
        _ plan: Hedgerow_Deployment_V1_PlanDeploymentResponse, group: String, coloured: Bool
    ) -> String {
        var details = [("group", group), ("revision", "\(plan.revision)")]
        if !plan.lockOfDeployment.isEmpty { details.append(("lock of", plan.lockOfDeployment)) }
        var parts = [Details.render(details), components(plan, coloured)]
        parts += plan.cores.map { core($0, coloured) }
        parts += plan.warnings.map { "warning: \(Text.printable($0))\n" }
        return parts.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func components(
        _ plan: Hedgerow_Deployment_V1_PlanDeploymentResponse, _ coloured: Bool
    ) -> String {
        if plan.components.isEmpty { return "" }
        var table = Table(["INSTANCE", "COMPONENT", "VERSION", "BECAUSE"])
        for component in plan.components {
            let locked = component.locked
            let reasons = component.reasons.isEmpty ? [""] : component.reasons
            for (index, reason) in reasons.enumerated() {
                table.add(
                    index == 0
                        ? [
                            Table.Cell(locked.instance), Table.Cell(locked.component),
                            Table.Cell(locked.version), Table.Cell(reason),
                        ] : [Table.Cell(" "), Table.Cell(" "), Table.Cell(" "), Table.Cell("and " + reason)])
            }
        }
        return table.render(coloured: coloured)
    }

    private static func core(_ plan: Hedgerow_Deployment_V1_CorePlan, _ coloured: Bool) -> String {
        let names = plan.cores.map(Text.printable).joined(separator: ", ")
        var lines = ["on \(names):"]
        if !plan.steps.isEmpty {
            var table = Table(["INSTANCE", "ACTION", "FROM", "TO", "WHY"])
            for step in plan.steps {
                table.add([
                    Table.Cell(step.instance), Table.Cell(word(step.action), style: style(step.action)),
                    Table.Cell(step.fromVersion), Table.Cell(step.toVersion),
                    Table.Cell(step.causes.joined(separator: "; ")),
                ])
            }
            lines.append(table.render(coloured: coloured).trimmingLastNewline)
        }
        let bytes = UInt64(max(0, plan.downloadBytes))
        lines.append(
            plan.downloads.isEmpty
                ? "downloads: none"
                : "downloads: \(ByteText.text(bytes)) in \(plan.downloads.count) "
                    + "\(plan.downloads.count == 1 ? "file" : "files") on each core")
        lines.append(rollback(plan))
        return lines.joined(separator: "\n") + "\n"
    }

    private static func rollback(_ plan: Hedgerow_Deployment_V1_CorePlan) -> String {
        if plan.runningRevision == 0 { return "going back: to nothing, no revision of a group runs there" }
        let changed = plan.steps.filter { $0.action != .unchanged }
        let versions = changed.filter { !$0.fromVersion.isEmpty }.map {
            "\(Text.printable($0.instance)) \($0.fromVersion)"
        }
        let gone = changed.filter { $0.action == .start }.map { "no \(Text.printable($0.instance))" }
        let all = (versions + gone).joined(separator: ", ")
        return "going back: to revision \(plan.runningRevision)" + (all.isEmpty ? "" : " with \(all)")
    }

    // MARK: For programs

    static func json(_ plan: Hedgerow_Deployment_V1_PlanDeploymentResponse, group: String) -> JSONValue {
        .object([
            ("group", .text(group)), ("revision", .unsigned(plan.revision)),
            ("lockOfDeployment", .optional(plan.lockOfDeployment.isEmpty ? nil : plan.lockOfDeployment)),
            (
                "components",
                .list(
                    plan.components.map { component in
                        .object([
                            ("instance", .text(component.locked.instance)),
                            ("component", .text(component.locked.component)),
                            ("version", .text(component.locked.version)),
                            ("added", .boolean(component.locked.added)),
                            ("reasons", .list(component.reasons.map { .text($0) })),
                        ])
                    })
            ), ("cores", .list(plan.cores.map(json))),
            ("warnings", .list(plan.warnings.map { .text($0) })),
        ])
    }

    private static func json(_ plan: Hedgerow_Deployment_V1_CorePlan) -> JSONValue {
        .object([
            ("cores", .list(plan.cores.map { .text($0) })),
            ("runningRevision", plan.runningRevision == 0 ? .null : .unsigned(plan.runningRevision)),
            (
                "steps",
                .list(
                    plan.steps.map { step in
                        .object([
                            ("instance", .text(step.instance)), ("component", .text(step.component)),
                            ("action", .text(word(step.action))),
                            ("from", .optional(step.fromVersion.isEmpty ? nil : step.fromVersion)),
                            ("to", .optional(step.toVersion.isEmpty ? nil : step.toVersion)),
                            ("added", .boolean(step.added)), ("causes", .list(step.causes.map { .text($0) })),
                        ])
                    })
            ), ("downloadBytes", .unsigned(UInt64(max(0, plan.downloadBytes)))),
        ])
    }
}

extension String {
    fileprivate var trimmingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
