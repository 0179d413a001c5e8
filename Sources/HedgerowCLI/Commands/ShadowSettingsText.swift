import Components
import HedgerowAPI
import RPCSupport
import Shadows

/// Which shadows of a group are synced, as the command line reads it from the wire and writes it.
enum ShadowSettingsText {
    /// What is synced, and on which core; empty where nothing is.
    static func table(_ revision: Hedgerow_Type_V1_GroupRevision, coloured: Bool) -> String {
        guard let settings = settings(of: revision), !settings.sync.isEmpty else { return "" }
        let home = settings.home(among: revision.cores) ?? ""
        var table = Table(["SHADOWS OF", "DIRECTION", "EVERY", "HOME"])
        for rule in settings.sync {
            table.add([
                Table.Cell(rule.things.text), Table.Cell(rule.direction.rawValue),
                Table.Cell(rule.interval.milliseconds == 0 ? "at once" : rule.interval.description),
                Table.Cell(home),
            ])
        }
        return "\n" + table.render(coloured: coloured)
    }

    static func json(_ revision: Hedgerow_Type_V1_GroupRevision) -> JSONValue {
        guard let settings = settings(of: revision) else { return .null }
        return .object([
            (
                "sync",
                .list(
                    settings.sync.map { rule in
                        .object([
                            ("things", .text(rule.things.text)),
                            ("direction", .text(rule.direction.rawValue)),
                            ("everySeconds", .number(Double(rule.interval.milliseconds) / 1_000)),
                        ])
                    })
            ),
            ("home", settings.home(among: revision.cores).map { .text($0) } ?? .null),
        ])
    }

    /// Settings that are newer than this program are not shown.
    private static func settings(of revision: Hedgerow_Type_V1_GroupRevision) -> ShadowSettings? {
        revision.hasShadows ? try? ShadowSettings(revision.shadows) : nil
    }
}
