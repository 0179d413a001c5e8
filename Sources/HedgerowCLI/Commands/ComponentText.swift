import Components
import HedgerowAPI
import Manifests
import Messaging
import Transforms

/// Components as the command line writes them.
enum ComponentText {
    static let header = ["NAME", "VERSION", "ALIASES", "GROUPS", "REGISTERED", "DESCRIPTION"]

    static func cells(_ component: Hedgerow_Registry_V1_ComponentVersion) -> [Table.Cell] {
        [
            Table.Cell(component.name), Table.Cell(component.version),
            Table.Cell(component.aliases.map { "@\($0)" }.joined(separator: " ")),
            Table.Cell(component.groups.joined(separator: " ")),
            Table.Cell(component.hasCreateTime ? TimeText.milliseconds(component.createTime) ?? "" : ""),
            component.deprecationReason.isEmpty
                ? Table.Cell(component.description_p)
                : Table.Cell("deprecated: \(component.deprecationReason)", style: .bad),
        ]
    }

    static func members(_ component: Hedgerow_Registry_V1_ComponentVersion) -> [(String, JSONValue)] {
        [
            ("name", .text(component.name)), ("version", .text(component.version)),
            ("description", .text(component.description_p)),
            ("recipeDigest", .text(RecordText.hexadecimal(component.recipeDigest))),
            ("groups", .list(component.groups.map { .text($0) })),
            ("aliases", .list(component.aliases.map { .text($0) })),
            (
                "deprecationReason",
                component.deprecationReason.isEmpty ? .null : .text(component.deprecationReason)
            ),
            ("createTime", component.hasCreateTime ? .text(TimeText.exact(component.createTime)) : .null),
        ]
    }

    static func details(_ component: Hedgerow_Registry_V1_ComponentVersion, recipe: String) -> String {
        var lines = [
            ("name", component.name), ("version", component.version),
            ("description", component.description_p.isEmpty ? "none" : component.description_p),
            ("registered", component.hasCreateTime ? TimeText.milliseconds(component.createTime) ?? "" : "-"),
            ("digest", RecordText.hexadecimal(component.recipeDigest)),
            ("groups", component.groups.isEmpty ? "none" : component.groups.joined(separator: " ")),
        ]
        if !component.aliases.isEmpty {
            lines.append(("aliases", component.aliases.map { "@\($0)" }.joined(separator: " ")))
        }
        if !component.deprecationReason.isEmpty { lines.append(("deprecated", component.deprecationReason)) }
        // A recipe of a newer cloud may say what this program does not know; then it says less about it.
        if let manifest = try? ComponentManifest.parse(recipe, fileName: "recipe") {
            if let process = manifest.process {
                lines += ProcessText.lines(process)
            } else {
                let topics = manifest.work.outputs.map { output in
                    switch output {
                    case .literal(let topic): topic.description
                    case .computed: "(computed)"
                    case .unknown: "(anything)"
                    }
                }
                lines.append(("publishes", topics.joined(separator: " ")))
            }
            let access = manifest.recipe.access.names
            lines.append(("access", access.isEmpty ? "none" : access.joined(separator: ", ")))
        }
        return Details.render(lines)
    }

    // MARK: Locks

    /// `smooth 1.2.0`, with the instance before it where that has another name.
    static func line(_ entry: Hedgerow_Type_V1_LockedComponent) -> String {
        entry.instance == entry.component
            ? "\(entry.component) \(entry.version)"
            : "\(entry.instance) = \(entry.component) \(entry.version)"
    }

    static func table(_ lock: [Hedgerow_Type_V1_LockedComponent], coloured: Bool) -> String {
        var table = Table(["INSTANCE", "COMPONENT", "VERSION", "RECIPE"])
        for entry in lock {
            table.add([
                Table.Cell(entry.instance), Table.Cell(entry.component), Table.Cell(entry.version),
                Table.Cell(String(RecordText.hexadecimal(entry.recipeDigest).prefix(16)), style: .faint),
            ])
        }
        return table.render(coloured: coloured)
    }

    static func json(_ lock: [Hedgerow_Type_V1_LockedComponent]) -> JSONValue {
        .list(
            lock.map { entry in
                .object([
                    ("instance", .text(entry.instance)), ("component", .text(entry.component)),
                    ("version", .text(entry.version)),
                    ("recipeDigest", .text(RecordText.hexadecimal(entry.recipeDigest))),
                ])
            })
    }

    // MARK: What instances did

    /// The statuses of the instances of some cores, and below them what they failed on; empty where there are
    /// none.
    static func table(_ cores: [Hedgerow_Registry_V1_CoreStatus], coloured: Bool) -> String {
        var statuses = Table(["CORE", "INSTANCE", "COMPONENT", "VERSION", "IN", "OUT", "FILTERED", "FAILED"])
        var failures = Table(["CORE", "INSTANCE", "FAILED", "LAST", "CAUSE"])
        for core in cores {
            for status in core.components {
                statuses.add([
                    Table.Cell(core.core), Table.Cell(status.instance), Table.Cell(status.component),
                    Table.Cell(status.version), Table.Cell("\(status.messagesIn)"),
                    Table.Cell("\(status.messagesOut)"), Table.Cell("\(status.messagesFiltered)"),
                    Table.Cell("\(status.messagesFailed)", style: status.messagesFailed == 0 ? .plain : .bad),
                ])
                for failure in status.failures.sorted(by: { $0.count > $1.count }).prefix(mostCauses) {
                    failures.add([
                        Table.Cell(core.core), Table.Cell(status.instance), Table.Cell("\(failure.count)"),
                        Table.Cell(failure.hasLastTime ? TimeText.milliseconds(failure.lastTime) ?? "" : ""),
                        Table.Cell(failure.cause),
                    ])
                }
            }
        }
        var text = statuses.rows.isEmpty ? "" : statuses.render(coloured: coloured)
        let programs = ProgramText.table(cores, coloured: coloured)
        if !programs.isEmpty { text += "\n" + programs }
        if !failures.rows.isEmpty { text += "\n" + failures.render(coloured: coloured) }
        return text
    }

    /// Most causes of one instance that a table shows; JSON has all of them.
    private static let mostCauses = 3

    static func json(_ status: Hedgerow_Type_V1_ComponentStatus) -> JSONValue {
        .object([
            ("instance", .text(status.instance)), ("component", .text(status.component)),
            ("version", .text(status.version)), ("messagesIn", .unsigned(status.messagesIn)),
            ("messagesOut", .unsigned(status.messagesOut)),
            ("messagesFiltered", .unsigned(status.messagesFiltered)),
            ("messagesFailed", .unsigned(status.messagesFailed)),
            (
                "failures",
                .list(
                    status.failures.map { failure in
                        .object([
                            ("cause", .text(failure.cause)), ("count", .unsigned(failure.count)),
                            (
                                "lastTime",
                                failure.hasLastTime ? .text(TimeText.exact(failure.lastTime)) : .null
                            ),
                        ])
                    })
            ),
            ("program", status.hasProgram ? ProgramText.json(status.program) : .null),
        ])
    }
}
