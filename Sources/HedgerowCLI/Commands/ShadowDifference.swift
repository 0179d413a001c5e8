import Shadows

/// How one state of a shadow differs from another: value by value, not as text.
enum ShadowDifference {
    /// A place where they differ.
    struct Change: Hashable, Sendable {
        let path: ShadowPath
        /// What was there; nil for nothing.
        let before: ShadowValue?
        /// What is there; nil for nothing.
        let after: ShadowValue?
    }

    /// The values at the ends of a tree, by place. Arrays are values, and so is an object without members.
    static func leaves(of value: ShadowValue?, at path: ShadowPath = ShadowPath([])) -> [ShadowPath:
        ShadowValue]
    {
        guard let value else { return [:] }
        guard case .object(let members) = value else { return [path: value] }
        // An empty document is nothing, an empty object in it is a value.
        if members.isEmpty { return path.keys.isEmpty ? [:] : [path: value] }
        return members.reduce(into: [:]) { all, member in
            all.merge(leaves(of: member.value, at: path.appending(member.key))) { first, _ in first }
        }
    }

    /// What differs, by place.
    static func changes(from before: ShadowValue?, to after: ShadowValue?) -> [Change] {
        let (old, new) = (leaves(of: before), leaves(of: after))
        return Set(old.keys).union(new.keys).sorted().compactMap { path in
            switch (old[path], new[path]) {
            case (let old?, let new?) where old.isSame(as: new): nil
            case (let old, let new): Change(path: path, before: old, after: new)
            }
        }
    }

    /// One line for each: `+ desired.fan: true`, `~ desired.fan: true → false`, `- desired.fan: false`.
    static func lines(_ changes: [Change], coloured: Bool) -> [String] {
        changes.map { change in
            let place = Text.printable(change.path.description)
            let (line, style): (String, Style) =
                switch (change.before, change.after) {
                case (nil, let after?): ("+ \(place): \(ShadowJSON.text(after))", .good)
                case (let before?, nil): ("- \(place): \(ShadowJSON.text(before))", .bad)
                case (let before, let after):
                    ("~ \(place): \(shown(before)) → \(shown(after))", .busy)
                }
            return coloured ? style.apply(to: line) : line
        }
    }

    private static func shown(_ value: ShadowValue?) -> String {
        value.map { ShadowJSON.text($0) } ?? "nothing"
    }

    /// One line for each value that is desired and not reported so: `≠ fan: desired true, reported false`.
    static func unmet(_ document: ShadowView, coloured: Bool) -> [String] {
        let reported = leaves(of: document.reported)
        return leaves(of: document.delta).sorted { $0.key < $1.key }.map { path, desired in
            let place = Text.printable(path.description)
            let line = "≠ \(place): desired \(ShadowJSON.text(desired)), reported \(shown(reported[path]))"
            return coloured ? Style.busy.apply(to: line) : line
        }
    }

    static func json(_ changes: [Change]) -> JSONValue {
        .list(
            changes.map { change in
                .object([
                    ("path", .text(change.path.description)),
                    (
                        "kind",
                        .text(change.before == nil ? "added" : change.after == nil ? "removed" : "changed")
                    ),
                    ("from", ShadowJSON.json(change.before)), ("to", ShadowJSON.json(change.after)),
                ])
            })
    }
}
