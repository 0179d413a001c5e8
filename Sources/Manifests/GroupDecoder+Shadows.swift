import Components
import Shadows
import Yams

/// Shadows: which are synced, and who may use them.
extension GroupDecoder {
    private static let shadowKeys = ["sync", "home"]
    private static let ruleKeys = ["things", "direction", "every"]
    private static let selectorAdvice = [
        "selector":
            "selectors are not taken here; write a name, PREFIX*, or \"*\" for all things of the group"
    ]

    mutating func readShadows(_ entry: ManifestReader.Entry) -> ShadowSettings? {
        places["shadows"] = entry.keyPlace
        guard
            let fields = reader.fields(
                entry.value, what: "shadows", known: Self.shadowKeys, required: ["sync"])
        else { return nil }
        for (key, field) in fields { places["shadows.\(key)"] = field.place }
        var settings = ShadowSettings()
        settings.home = fields["home"].flatMap { reader.text($0.value, what: "\"home\"") }
        for node in fields["sync"].flatMap({ reader.list($0) }) ?? [] {
            let path = "shadows.sync[\(settings.sync.count)]"
            guard let rule = readRule(node, path: path) else { continue }
            places[path] = Place(node.mark)
            settings.sync.append(rule)
        }
        return settings
    }

    /// A pattern, or a mapping that says more.
    private mutating func readRule(_ node: Node, path: String) -> ShadowSyncRule? {
        guard reader.isMapping(node) else {
            return reader.text(node, what: "an entry of \"sync\"").map {
                ShadowSyncRule(things: ThingPattern($0))
            }
        }
        let errorsBefore = reader.errors.count
        guard
            let fields = reader.fields(
                node, what: "an entry of sync", known: Self.ruleKeys, advice: Self.selectorAdvice)
        else { return nil }
        if fields["things"] == nil, reader.errors.count == errorsBefore {
            reader.report(Place(node.mark), "an entry of sync lacks \"things\"; add it")
        }
        let direction: ShadowDirection? = fields["direction"].flatMap {
            reader.choice($0, what: "direction")
        }
        let interval = fields["every"].flatMap { reader.span($0) }
        guard let things = fields["things"].flatMap({ reader.text($0.value, what: "\"things\"") })
        else { return nil }
        for (key, field) in fields { places["\(path).\(key)"] = field.place }
        return ShadowSyncRule(
            things: ThingPattern(things), direction: direction ?? .both,
            interval: interval ?? TimeSpan(milliseconds: 0))
    }

    /// Whose shadows an instance may use.
    mutating func readPatterns(_ entry: ManifestReader.Entry, path: String) -> [ThingPattern] {
        var patterns: [ThingPattern] = []
        for node in reader.list(entry) ?? [] {
            if reader.isMapping(node) {
                _ = reader.fields(
                    node, what: "an entry of shadows", known: [], advice: Self.selectorAdvice)
                continue
            }
            guard let text = reader.text(node, what: "an entry of \"shadows\"") else { continue }
            places["\(path)[\(patterns.count)]"] = Place(node.mark)
            patterns.append(ThingPattern(text))
        }
        return patterns
    }
}
