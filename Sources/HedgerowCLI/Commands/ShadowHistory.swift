import HedgerowAPI
import Shadows

/// What a shadow was, version by version.
enum ShadowHistory {
    typealias Entry = Hedgerow_Shadow_V1_ShadowHistoryEntry

    /// An entry and the one before it.
    struct Step: Sendable {
        let entry: Entry
        /// The entry before; nil where there is none, or none is kept.
        let before: Entry?
        /// Whether what was before is known: by an entry, or because this one is the first.
        let isComplete: Bool

        init(_ entry: Entry, before: Entry?) {
            self.entry = entry
            self.before = before
            isComplete = before != nil || entry.version == 1
        }

        /// What changed from the one to the other.
        var changes: [ShadowDifference.Change] {
            get throws(CLIError) {
                ShadowDifference.changes(
                    from: try ShadowView(before?.document ?? "").state,
                    to: try ShadowView(entry.document).state)
            }
        }

        var isDeletion: Bool { entry.document.isEmpty }
    }

    /// The newest entries with what was before each, at most so many.
    static func steps(
        of shadow: ShadowArgument, limit: Int, _ cloud: CloudSession
    ) async throws -> [Step] {
        // One more: the last is compared with it.
        let wanted = limit < Int.max ? limit + 1 : limit
        var entries: [Entry] = []
        try await Pages.walk { token in
            var request = Hedgerow_Shadow_V1_ListShadowHistoryRequest()
            request.thing = shadow.thing
            request.name = shadow.name
            request.pageSize = UInt32(clamping: min(wanted, 1_000))
            request.pageToken = token
            let page = try await cloud.about(shadow) { [request] in
                try await cloud.shadows.listShadowHistory(request, options: cloud.options)
            }
            return (page.entries, page.nextPageToken)
        } use: { page in
            entries += page
            return entries.count < wanted
        }
        return entries.indices.prefix(limit).map { index in
            Step(entries[index], before: index + 1 < entries.count ? entries[index + 1] : nil)
        }
    }

    /// The step to a version; nil where it, or what was before it, is not kept.
    static func change(to version: UInt64, of shadow: ShadowArgument, _ cloud: CloudSession) async throws
        -> Step?
    {
        // As many as are kept by default; who is that much behind others has nothing to compare with.
        let recent = 20
        return try await steps(of: shadow, limit: recent, cloud).first {
            $0.entry.version == version && $0.isComplete
        }
    }

    // MARK: For people

    static func block(_ step: Step, coloured: Bool) throws(CLIError) -> String {
        let entry = step.entry
        let time = entry.hasUpdateTime ? TimeText.milliseconds(entry.updateTime) ?? "" : ""
        var head = "version \(entry.version)  \(time)  \(Text.printable(entry.author))"
        if let before = step.before, before.incarnation != entry.incarnation, !step.isDeletion {
            head += "  made anew"
        }
        if step.isDeletion { head += "  deleted" }
        var lines = [coloured ? Style.faint.apply(to: head) : head]
        if step.isDeletion { return lines[0] + "\n" }
        let changes = try step.changes
        if step.isComplete {
            lines += ShadowDifference.lines(changes, coloured: coloured).map { "  " + $0 }
            if changes.isEmpty { lines.append("  nothing changed") }
        } else {
            // What was before is not kept: the whole document, not as a change.
            lines += changes.compactMap { change in
                change.after.map { "    \(Text.printable(change.path.description)): \(ShadowJSON.text($0))" }
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    // MARK: For programs

    static func json(_ step: Step) throws(CLIError) -> JSONValue {
        let entry = step.entry
        return .object([
            ("version", .unsigned(entry.version)), ("incarnation", .text(entry.incarnation)),
            ("updateTime", entry.hasUpdateTime ? .text(TimeText.exact(entry.updateTime)) : .null),
            ("author", .text(entry.author)), ("deleted", .boolean(step.isDeletion)),
            ("document", ShadowJSON.json(document: entry.document)),
            ("changes", step.isComplete ? ShadowDifference.json(try step.changes) : .null),
        ])
    }
}
