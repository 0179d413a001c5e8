import HedgerowAPI
import Shadows

/// Events of shadows as the command line writes them.
enum ShadowEventText {
    typealias Event = Hedgerow_Shadow_V1_WatchShadowResponse
    typealias Kind = Hedgerow_Shadow_V1_ShadowEventKind

    static func word(_ kind: Kind) -> String {
        switch kind {
        case .current: "current"
        case .accepted: "accepted"
        case .rejected: "rejected"
        case .delta: "delta"
        case .documents: "documents"
        case .deleted: "deleted"
        case .skipped: "skipped"
        case .unspecified, .UNRECOGNIZED: "unknown"
        }
    }

    /// One line that says what happened to which shadow, and the diff of what changed below it.
    static func block(_ event: Event, coloured: Bool) throws(CLIError) -> String {
        let view = try ShadowView(event.document)
        let title = ShadowText.title(thing: event.thing, name: event.name)
        let version = event.version == 0 ? "" : "  version \(event.version)"
        func head(_ text: String, _ style: Style = .faint) -> String {
            let line = "\(title)\(version)  \(text)"
            return coloured ? style.apply(to: line) : line
        }
        var lines: [String]
        switch event.kind {
        case .current:
            lines = [head("as it is now")]
            lines += whole(view)
            lines += ShadowDifference.unmet(view, coloured: coloured)
        case .documents:
            let before = ShadowView(view.document["previous"])
            let after = ShadowView(view.document["current"])
            let changes = ShadowDifference.changes(from: before.state, to: after.state)
            lines = [head(changes.isEmpty ? "updated, nothing changed" : "updated")]
            lines += ShadowDifference.lines(changes, coloured: coloured)
        case .accepted:
            lines = [head("accepted")] + whole(view)
        case .delta:
            lines = [head("desired, not reported", .busy)] + values(view.document["state"])
        case .rejected:
            lines = [head("rejected: \(rejection(view))", .bad)]
        case .deleted:
            lines = [head("deleted", .bad)]
        case .skipped:
            lines = [head("some events are not kept any more; it goes on with the document as it is", .busy)]
        case .unspecified, .UNRECOGNIZED:
            lines = [head("something that a newer hedgerow shows")]
        }
        return ([lines[0]] + lines.dropFirst().map { "  " + $0 }).map { $0 + "\n" }.joined()
    }

    private static func whole(_ view: ShadowView) -> [String] { values(view.state) }

    private static func values(_ value: ShadowValue?) -> [String] {
        ShadowDifference.leaves(of: value).sorted { $0.key < $1.key }.filter { !$0.key.keys.isEmpty }.map {
            "\(Text.printable($0.key.description)): \(ShadowJSON.text($0.value))"
        }
    }

    private static func rejection(_ view: ShadowView) -> String {
        let code = view.document["code"].map { ShadowJSON.text($0) + " " } ?? ""
        guard case .string(let message)? = view.document["message"] else { return code + "no reason given" }
        return code + Text.printable(message)
    }

    static func json(_ event: Event) -> JSONValue {
        .object(
            ShadowText.identity(thing: event.thing, name: event.name) + [
                ("kind", .text(word(event.kind))), ("version", .unsigned(event.version)),
                ("document", ShadowJSON.json(document: event.document)),
                ("position", .optional(event.position.isEmpty ? nil : event.position)),
            ])
    }
}
