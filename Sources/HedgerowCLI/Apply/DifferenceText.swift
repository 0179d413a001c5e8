import HedgerowAPI
import Manifests

/// How documents differ from what is there, as the command line writes it: part by part, not as text.
enum DifferenceText {
    /// Every document with its differences.
    static func text(_ documents: [CheckedDocument], coloured: Bool) -> String {
        documents.map { block($0, coloured: coloured) }.joined(separator: "\n")
    }

    private static func block(_ document: CheckedDocument, coloured: Bool) -> String {
        let checked = document.checked
        var lines = [head(document, coloured: coloured)]
        var section = ""
        for difference in checked.differences {
            if difference.section != section {
                section = difference.section
                lines.append("  \(Text.printable(section))")
            }
            lines.append("    " + line(difference, coloured: coloured))
        }
        if checked.omittedDifferences > 0 { lines.append("    and \(checked.omittedDifferences) more") }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func head(_ document: CheckedDocument, coloured: Bool) -> String {
        let title = Text.printable(document.title)
        let checked = document.checked
        let isGroup = document.document.kind == "Group"
        let (text, style): (String, Style) =
            switch document.word {
            case "created": (isGroup ? "new, revision \(checked.revision)" : "new", .good)
            case "changed":
                (isGroup ? "revision \(checked.liveRevision) → \(checked.revision)" : "changed", .busy)
            default: (isGroup ? "unchanged, revision \(checked.revision)" : "unchanged", .faint)
            }
        return "\(title): \(coloured ? style.apply(to: text) : text)"
    }

    /// One difference: `+ lamp`, `~ smooth version: ^1.0 → ^1.1`.
    static func line(_ difference: Hedgerow_Registry_V1_Difference, coloured: Bool) -> String {
        let name = [difference.subject, difference.setting].filter { !$0.isEmpty }.joined(separator: " ")
        func value(_ text: String) -> String { text.isEmpty ? "none" : text }
        func named(_ text: String) -> String {
            name.isEmpty ? text : text.isEmpty ? name : "\(name): \(text)"
        }
        let (line, style): (String, Style) =
            switch difference.kind {
            case .added: ("+ " + named(difference.to), .good)
            case .removed: ("- " + named(difference.from), .bad)
            case .changed, .unspecified, .UNRECOGNIZED:
                ("~ " + named("\(value(difference.from)) → \(value(difference.to))"), .busy)
            }
        let shown = Text.printable(line)
        return coloured ? style.apply(to: shown) : shown
    }

    static func json(_ difference: Hedgerow_Registry_V1_Difference) -> JSONValue {
        let kind =
            switch difference.kind {
            case .added: "added"
            case .removed: "removed"
            case .changed, .unspecified, .UNRECOGNIZED: "changed"
            }
        return .object([
            ("section", .text(difference.section)), ("kind", .text(kind)),
            ("subject", .text(difference.subject)), ("setting", .text(difference.setting)),
            ("from", .text(difference.from)), ("to", .text(difference.to)),
        ])
    }
}
