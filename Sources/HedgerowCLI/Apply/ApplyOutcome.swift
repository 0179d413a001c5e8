import HedgerowAPI
import Manifests

/// What became of a document.
struct ApplyOutcome: Sendable {
    let document: CheckedDocument
    /// The cloud's answer about a group that was applied; nil for others, and where nothing was to be made.
    var group: Hedgerow_Registry_V1_ApplyGroupResponse?

    var word: String {
        guard let group else { return document.word }
        return group.created ? "created" : group.changed ? "changed" : "unchanged"
    }

    var revision: UInt64 { group?.revision.revision ?? document.checked.revision }
    var lock: [Hedgerow_Type_V1_LockedComponent] { group?.lock ?? document.checked.lock }
    var warnings: [String] { group?.warnings ?? document.checked.warnings }
    var isGroup: Bool { document.document.kind == "Group" }

    private var number: String { isGroup ? "\(revision)" : document.number }

    /// The columns of a table.
    var cells: [Table.Cell] {
        [
            Table.Cell(document.document.kind), Table.Cell(document.document.name), Table.Cell(number),
            Table.Cell(word, style: word == "unchanged" ? .faint : .good),
        ]
    }

    /// For programs; docs/cli.md lists the names.
    func json(dryRun: Bool) -> JSONValue {
        let name = document.document.name
        var members: [(String, JSONValue)] = [
            ("kind", .text(document.document.kind)), ("name", .text(name)),
            ("file", .text(document.document.fileName)), ("line", .integer(Int64(document.document.line))),
        ]
        if isGroup {
            members += [
                ("group", .text(name)), ("revision", .unsigned(revision)), ("lock", ComponentText.json(lock)),
            ]
        } else if !number.isEmpty {
            members.append(("version", .text(number)))
        }
        return .object(
            members + [
                ("created", .boolean(word == "created")), ("changed", .boolean(word != "unchanged")),
                ("dryRun", .boolean(dryRun)),
                ("differences", .list(document.checked.differences.map(DifferenceText.json))),
                ("omittedDifferences", .unsigned(UInt64(document.checked.omittedDifferences))),
                ("warnings", .list(warnings.map { .text($0) })),
            ])
    }

    /// Says what is probably not meant, on standard error.
    func sayWarnings() {
        for warning in warnings { CLIError.note("warning: \(document.document.name): \(warning)") }
    }
}
