import Shadows

/// What differs between two definitions of a group, part by part and in the words of the group file.
public enum GroupDifferences {
    /// The differences, in the order of the file's parts; empty exactly where both mean the same.
    ///
    /// - Parameter old: nil where the group is new.
    public static func between(_ old: GroupDefinition?, _ new: GroupDefinition) -> [Difference] {
        let old = old ?? GroupDefinition(name: new.name)
        return names("cores", old.cores, new.cores) + things(old, new)
            + keyed("components", old.components, new.components, name: \.name, settings: settings)
            + routes(old, new) + streams(old, new) + shadows(old, new) + rotation(old, new)
    }

    /// The same on one line: `things +2 -1, streams ~1`, or the difference itself where there is one only.
    public static func summary(_ differences: [Difference]) -> String {
        if differences.isEmpty { return "nothing" }
        if differences.count == 1 { return differences[0].description }
        var order: [String] = []
        var counts: [String: (added: Int, removed: Int, changed: Set<String>)] = [:]
        for difference in differences {
            if counts[difference.section] == nil { order.append(difference.section) }
            var count = counts[difference.section] ?? (0, 0, [])
            switch difference.kind {
            case .added: count.added += 1
            case .removed: count.removed += 1
            case .changed: count.changed.insert(difference.subject)
            }
            counts[difference.section] = count
        }
        return order.map { section in
            let count = counts[section] ?? (0, 0, [])
            return
                ([section] + (count.added > 0 ? ["+\(count.added)"] : [])
                + (count.removed > 0 ? ["-\(count.removed)"] : [])
                + (count.changed.isEmpty ? [] : ["~\(count.changed.count)"])).joined(separator: " ")
        }.joined(separator: ", ")
    }

    // MARK: Parts

    private static func names(_ section: String, _ old: [String], _ new: [String]) -> [Difference] {
        let before = Set(old)
        let after = Set(new)
        return before.subtracting(after).sorted().map { Difference(section, .removed, $0) }
            + after.subtracting(before).sorted().map { Difference(section, .added, $0) }
    }

    private static func things(_ old: GroupDefinition, _ new: GroupDefinition) -> [Difference] {
        func selectors(_ definition: GroupDefinition) -> [String] {
            definition.asWritten.selectors.map { "{selector: \($0.canonical)}" }
        }
        let written = Set(new.asWritten.things)
        return names("things", selectors(old), selectors(new))
            + names("things", old.things, new.things).map { difference in
                var difference = difference
                if difference.kind == .added, !written.contains(difference.subject) {
                    difference.to = "by selector"
                }
                return difference
            }
    }

    private static func routes(_ old: GroupDefinition, _ new: GroupDefinition) -> [Difference] {
        let written = routes(old.asWritten.subscriptions, new.asWritten.subscriptions)
        if !written.isEmpty { return written }
        // The same routes as written may lead to other things. What comes and goes with members is said there; what is
        // left is of things whose type or attributes changed.
        let members = Set(old.things).intersection(new.things)
        func stays(_ route: Subscription) -> Bool {
            [route.from, route.to].allSatisfy { end in
                if case .thing(let name) = end { members.contains(name) } else { true }
            }
        }
        return routes(old.subscriptions.filter(stays), new.subscriptions.filter(stays)).map { difference in
            var difference = difference
            if difference.kind == .added { difference.to = "by selector" }
            return difference
        }
    }

    private static func routes(_ old: [Subscription], _ new: [Subscription]) -> [Difference] {
        /// Streams that a route goes through, by what else it says.
        func grouped(_ routes: [Subscription]) -> [String: Set<String>] {
            var groups: [String: Set<String>] = [:]
            for route in routes.map(\.canonical) {
                var plain = route
                plain.via = nil
                groups[plain.description, default: []].insert(route.via ?? "")
            }
            return groups
        }
        func shown(_ route: String, _ via: String) -> String { via.isEmpty ? route : "\(route) via \(via)" }
        let before = grouped(old)
        let after = grouped(new)
        var differences: [Difference] = []
        for route in Set(before.keys).union(after.keys).sorted() {
            let gone = before[route, default: []].subtracting(after[route, default: []]).sorted()
            let come = after[route, default: []].subtracting(before[route, default: []]).sorted()
            if gone.count == 1, come.count == 1 {
                differences.append(
                    Difference(
                        "subscriptions", .changed, route, setting: "via",
                        from: gone[0].isEmpty ? StreamSettings.defaultName : gone[0],
                        to: come[0].isEmpty ? StreamSettings.defaultName : come[0]))
                continue
            }
            differences += gone.map { Difference("subscriptions", .removed, shown(route, $0)) }
            differences += come.map { Difference("subscriptions", .added, shown(route, $0)) }
        }
        return differences
    }

    private static func streams(_ old: GroupDefinition, _ new: GroupDefinition) -> [Difference] {
        let before = old.cores.isEmpty && old.streams.isEmpty ? old.streams : old.effectiveStreams
        // A new group has the default stream, which nobody wrote.
        let after = new.effectiveStreams.filter { name, settings in
            name != StreamSettings.defaultName || before[name] != nil || settings != StreamSettings()
        }
        return keyed(
            "streams", before.sorted { $0.key < $1.key }, after.sorted { $0.key < $1.key }, name: \.key,
            settings: { $0.value.canonical.written.map { Setting($0.key, $0.value) } })
    }

    private static func shadows(_ old: GroupDefinition, _ new: GroupDefinition) -> [Difference] {
        func words(_ rule: ShadowSyncRule) -> [Setting] {
            [Setting("direction", rule.direction.rawValue)]
                + (rule.interval.milliseconds == 0 ? [] : [Setting("every", rule.interval.description)])
        }
        let before = old.shadows?.sync ?? []
        let after = new.shadows?.sync ?? []
        var differences = keyed("shadows", before, after, name: \.things.text, settings: words)
        // The first entry that matches a thing counts, so that their order matters.
        let common = Set(before.map(\.things)).intersection(after.map(\.things))
        let (order, wanted) = (
            before.map(\.things).filter(common.contains), after.map(\.things).filter(common.contains)
        )
        if order != wanted {
            func shown(_ patterns: [ThingPattern]) -> String {
                shortened(patterns.map(\.text).joined(separator: " "))
            }
            differences.append(
                Difference("shadows", .changed, "", setting: "order", from: shown(order), to: shown(wanted)))
        }
        // The first core is the home where none is named, which is no news where nothing was synced.
        let isNew = old.shadowHome == nil && new.shadows?.home == nil
        if let home = new.shadowHome, home != old.shadowHome, !isNew {
            differences.append(
                Difference("shadows", .changed, "", setting: "home", from: old.shadowHome ?? "", to: home))
        }
        return differences
    }

    private static func rotation(_ old: GroupDefinition, _ new: GroupDefinition) -> [Difference] {
        if old.caRotation == new.caRotation { return [] }
        return [
            Difference(
                "caRotation", .changed, "", from: old.caRotation?.description ?? "",
                to: new.caRotation?.description ?? "")
        ]
    }

    private static func settings(_ instance: ComponentInstance) -> [Setting] {
        [
            Setting("component", instance.component),
            Setting(
                "version", instance.request.description, meaning: instance.canonical.request.description),
        ] + leaves(of: instance.canonical.configuration.merge, at: [])
            + instance.environment.sorted { $0.key < $1.key }.map { name, text in
                Setting("environment \(name)", shortened(text.isEmpty ? "\"\"" : text), meaning: text)
            } + shadows(of: instance)
    }

    private static func shadows(of instance: ComponentInstance) -> [Setting] {
        let names = instance.canonical.shadows.map(\.text).joined(separator: " ")
        return names.isEmpty ? [] : [Setting("shadows", shortened(names), meaning: names)]
    }

    /// Most characters of a value that a difference shows.
    private static let mostCharacters = 80

    private static func shortened(_ text: String) -> String {
        let line = String(text.prefix(mostCharacters).map { $0.isNewline ? " " : $0 })
        return text.count > mostCharacters ? line + "…" : line
    }

    /// What is merged into a configuration, value by value.
    private static func leaves(of members: [String: ConfigurationValue], at keys: [String]) -> [Setting] {
        members.sorted { $0.key < $1.key }.flatMap { key, value in
            if let inner = value.members, !inner.isEmpty { return leaves(of: inner, at: keys + [key]) }
            return [
                Setting(
                    "configuration \(JSONPointer.text(keys + [key]))", shortened(value.json),
                    meaning: value.json)
            ]
        }
    }

    /// A setting of something that has a name.
    private struct Setting {
        let key: String
        let value: String
        /// What is compared: ranges that mean the same may be written in two ways.
        let meaning: String

        init(_ key: String, _ value: String, meaning: String? = nil) {
            self.key = key
            self.value = value
            self.meaning = meaning ?? value
        }
    }

    private static func byKey(_ settings: [Setting]) -> [String: Setting] {
        Dictionary(settings.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Differences of a list whose elements have names, setting by setting.
    private static func keyed<Element>(
        _ section: String, _ old: [Element], _ new: [Element], name: (Element) -> String,
        settings: (Element) -> [Setting]
    ) -> [Difference] {
        let before = Dictionary(old.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
        func shown(_ element: Element) -> String {
            settings(element).map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }
        var differences: [Difference] = []
        for key in Set(before.keys).union(after.keys).sorted() {
            switch (before[key], after[key]) {
            case (let old?, nil): differences.append(Difference(section, .removed, key, from: shown(old)))
            case (nil, let new?): differences.append(Difference(section, .added, key, to: shown(new)))
            case (let old?, let new?):
                let was = Self.byKey(settings(old))
                let becomes = Self.byKey(settings(new))
                let order = (settings(new) + settings(old)).map(\.key)
                var seen = Set<String>()
                for setting in order where seen.insert(setting).inserted {
                    if was[setting]?.meaning == becomes[setting]?.meaning { continue }
                    differences.append(
                        Difference(
                            section, .changed, key, setting: setting, from: was[setting]?.value ?? "",
                            to: becomes[setting]?.value ?? ""))
                }
            case (nil, nil): break
            }
        }
        return differences
    }
}

extension StreamSettings {
    /// Size, what a full stream does and priority, and what has not its default, in the words of the group file.
    fileprivate var written: [(key: String, value: String)] {
        let standard = StreamSettings()
        var parts = [
            ("maxSize", maxSize.description), ("onFull", onFull.rawValue), ("priority", "\(priority)"),
        ]
        if let timeToLive { parts.append(("timeToLive", timeToLive.description)) }
        if persistence != standard.persistence { parts.append(("persistence", persistence.rawValue)) }
        if batchSize != standard.batchSize { parts.append(("batchSize", "\(batchSize)")) }
        if batchInterval != standard.batchInterval {
            parts.append(("batchInterval", batchInterval.description))
        }
        if liveShare != standard.liveShare { parts.append(("liveShare", "\(liveShare)")) }
        if let maxRate { parts.append(("maxRate", maxRate.description)) }
        if exports != standard.exports {
            parts.append(("exports", exports.map(\.description).joined(separator: " ")))
        }
        return parts
    }
}
