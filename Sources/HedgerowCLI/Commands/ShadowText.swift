import HedgerowAPI
import Shadows
import SwiftProtobuf

/// Shadows as the command line writes them.
enum ShadowText {
    typealias Summary = Hedgerow_Shadow_V1_ShadowSummary
    typealias Conflict = Hedgerow_Shadow_V1_ShadowConflict

    /// Most characters of a value in a table; diffs have all of it.
    private static let longestCell = 48

    /// What a shadow is called; no named one can be called like the classic one.
    static func name(_ name: String) -> String { name.isEmpty ? "(classic)" : name }

    /// `bme680-1`, `bme680-1/env`.
    static func title(thing: String, name: String) -> String {
        Text.printable(name.isEmpty ? thing : "\(thing)/\(name)")
    }

    static func identity(thing: String, name: String) -> [(String, JSONValue)] {
        [("thing", .text(thing)), ("name", .text(name))]
    }

    private static func time(_ time: Google_Protobuf_Timestamp, _ isThere: Bool) -> JSONValue {
        isThere ? .text(TimeText.exact(time)) : .null
    }

    // MARK: One document

    static func details(
        _ reply: Hedgerow_Shadow_V1_GetShadowResponse, thing: String, name: String, coloured: Bool
    ) throws(CLIError) -> String {
        let view = try ShadowView(reply.document)
        let head = Details.render([
            ("thing", thing), ("shadow", self.name(name)), ("version", "\(reply.version)"),
            ("changed", reply.hasUpdateTime ? TimeText.milliseconds(reply.updateTime) ?? "-" : "-"),
        ])
        let body = sideBySide(view, coloured: coloured)
        return head + "\n" + (body.isEmpty ? "The document is empty.\n" : body)
    }

    /// Desired, reported and their difference beside each other. Where they differ, desired is green and reported red.
    static func sideBySide(_ view: ShadowView, coloured: Bool) -> String {
        let desired = ShadowDifference.leaves(of: view.desired)
        let reported = ShadowDifference.leaves(of: view.reported)
        let delta = ShadowDifference.leaves(of: view.delta)
        let places = Set(desired.keys).union(reported.keys).union(delta.keys).sorted()
        if places.isEmpty { return "" }
        var table = Table(["KEY", "DESIRED", "REPORTED", "DELTA", "WRITTEN"])
        for place in places {
            let isUnmet = delta[place] != nil
            let seconds = [
                desired[place] == nil ? nil : view.time(of: place, in: "desired"),
                reported[place] == nil ? nil : view.time(of: place, in: "reported"),
            ].compactMap(\.self).max()
            table.add([
                Table.Cell(place.description), cell(desired[place], isUnmet ? .good : .plain),
                cell(reported[place], isUnmet ? .bad : .plain), cell(delta[place], .busy),
                Table.Cell(seconds.map { TimeText.exact(.init(seconds: $0)) } ?? ""),
            ])
        }
        return table.render(coloured: coloured)
    }

    private static func cell(_ value: ShadowValue?, _ style: Style) -> Table.Cell {
        Table.Cell(value.map { ShadowJSON.text($0, atMost: longestCell) } ?? "", style: style)
    }

    /// The members of a document in the order that people expect, after the shadow's name.
    static func json(
        _ reply: Hedgerow_Shadow_V1_GetShadowResponse, thing: String, name: String
    ) throws(CLIError) -> JSONValue {
        let view = try ShadowView(reply.document)
        return .object(
            identity(thing: thing, name: name) + [
                ("version", .unsigned(reply.version)),
                ("updateTime", time(reply.updateTime, reply.hasUpdateTime)),
                ("state", ShadowJSON.json(view.document["state"] ?? .object([:]))),
                ("metadata", ShadowJSON.json(view.document["metadata"] ?? .object([:]))),
            ])
    }

    // MARK: Lists

    static let header = ["THING", "SHADOW", "VERSION", "CHANGED", "BYTES", "DELTA", "SYNC"]

    static func cells(_ shadow: Summary) -> [Table.Cell] {
        let (sync, style) = self.sync(shadow.sync)
        return [
            Table.Cell(shadow.thing), Table.Cell(name(shadow.name)), Table.Cell("\(shadow.version)"),
            Table.Cell(shadow.hasUpdateTime ? TimeText.milliseconds(shadow.updateTime) ?? "" : ""),
            Table.Cell("\(shadow.sizeBytes)"),
            Table.Cell(shadow.hasDelta_p ? "yes" : "no", style: shadow.hasDelta_p ? .busy : .plain),
            Table.Cell(sync, style: style),
        ]
    }

    /// How a shadow's sync stands, in a few words.
    static func sync(_ status: Hedgerow_Shadow_V1_ShadowSyncStatus) -> (text: String, style: Style) {
        let core = status.core.isEmpty ? "" : " \(status.core)"
        let problem = status.problem.isEmpty ? "" : ": \(status.problem)"
        return switch status.state {
        case .local: ("local", .faint)
        case .synced: ("synced\(core)", .good)
        case .pending: ("pending\(core)\(problem)", .busy)
        case .failed: ("failed\(core)\(problem)", .bad)
        case .unspecified, .UNRECOGNIZED: ("", .plain)
        }
    }

    private static func word(_ state: Hedgerow_Shadow_V1_ShadowSyncState) -> JSONValue {
        switch state {
        case .local: .text("local")
        case .synced: .text("synced")
        case .pending: .text("pending")
        case .failed: .text("failed")
        case .unspecified, .UNRECOGNIZED: .null
        }
    }

    static func json(_ status: Hedgerow_Shadow_V1_ShadowSyncStatus) -> JSONValue {
        .object([
            ("state", word(status.state)), ("core", .optional(status.core.isEmpty ? nil : status.core)),
            ("syncedTime", time(status.syncedTime, status.hasSyncedTime)),
            ("problem", .optional(status.problem.isEmpty ? nil : status.problem)),
        ])
    }

    static func json(_ shadow: Summary) -> JSONValue {
        .object(
            identity(thing: shadow.thing, name: shadow.name) + [
                ("version", .unsigned(shadow.version)),
                ("updateTime", time(shadow.updateTime, shadow.hasUpdateTime)),
                ("sizeBytes", .unsigned(UInt64(shadow.sizeBytes))), ("hasDelta", .boolean(shadow.hasDelta_p)),
                ("sync", json(shadow.sync)),
            ])
    }

    // MARK: Conflicts

    /// A conflict: where, what was there before, what each side had, and who won why.
    static func block(_ conflict: Conflict, coloured: Bool) -> String {
        let core = Text.printable(conflict.core.isEmpty ? "core" : "core \(conflict.core)")
        let coreWon = conflict.winner == "core"
        let time = conflict.hasDecideTime ? TimeText.milliseconds(conflict.decideTime) ?? "" : ""
        let width = max(core.count, "both had".count)
        func line(_ who: String, _ value: String, _ version: UInt64, won: Bool?) -> String {
            let padding = String(repeating: " ", count: width - who.count + 2)
            let shown =
                value.isEmpty
                ? "nothing"
                : ShadowJSON.parse(value).map { ShadowJSON.text($0) }
                    ?? Text.printable(value)
            let mark = won == true ? "  won" : ""
            let text = who + padding + shown + (version == 0 ? "" : "  (version \(version))") + mark
            guard coloured, let won else { return "  " + text }
            return "  " + (won ? Style.good : Style.faint).apply(to: text)
        }
        return [
            Text.printable(conflict.path.isEmpty ? "the whole shadow" : conflict.path)
                + (time.isEmpty ? "" : "  \(time)"),
            line("both had", conflict.base, 0, won: nil),
            line(core, conflict.coreValue, conflict.coreVersion, won: coreWon),
            line("cloud", conflict.cloudValue, conflict.cloudVersion, won: conflict.winner == "cloud"),
            "  rule: \(Text.printable(conflict.rule))",
        ].map { $0 + "\n" }.joined()
    }

    static func json(_ conflict: Conflict) -> JSONValue {
        .object([
            ("path", .text(conflict.path)), ("base", ShadowJSON.json(document: conflict.base)),
            ("coreValue", ShadowJSON.json(document: conflict.coreValue)),
            ("cloudValue", ShadowJSON.json(document: conflict.cloudValue)),
            ("winner", .text(conflict.winner)), ("rule", .text(conflict.rule)),
            ("decideTime", time(conflict.decideTime, conflict.hasDecideTime)),
            ("core", .text(conflict.core)), ("coreVersion", .unsigned(conflict.coreVersion)),
            ("cloudVersion", .unsigned(conflict.cloudVersion)),
        ])
    }
}
