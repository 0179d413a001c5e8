import Components
import Yams

/// Turns one document into a ``GroupDefinition`` and puts the place to everything that is wrong with it.
struct GroupDecoder {
    var reader: ManifestReader
    /// Where the parts of the definition are.
    var places = GroupPlaces()
    private var definition = GroupDefinition(name: "")

    init(reader: ManifestReader) {
        self.reader = reader
    }

    private static let keys = [
        "kind", "name", "cores", "things", "components", "subscriptions", "streams", "shadows", "caRotation",
    ]
    private static let componentKeys = [
        "name", "component", "version", "configuration", "environment", "shadows",
    ]

    /// The definition; nil where the document is not a group at all. Errors are in ``reader``.
    mutating func decode(_ root: Node) -> GroupDefinition? {
        guard let kind = kind(of: root) else { return nil }
        guard kind.value == "Group" else {
            reader.report(
                kind.place,
                kind.value == "Component"
                    ? "this is a component, not a group; register it with hedgerow components push FILE"
                    : "the kind \"\(reader.shown(kind.value))\" is not known; a group file says kind: Group")
            return nil
        }
        let errorsBefore = reader.errors.count
        guard
            let fields = reader.fields(
                root, what: "a group", known: Self.keys, required: ["name", "cores"])
        else { return nil }
        places[""] = Place(root.mark)
        if let name = fields["name"] {
            places["name"] = name.place
            if let text = reader.text(name.value, what: "\"name\"") { definition.name = text }
        }
        if let cores = fields["cores"] { definition.cores = names(cores) }
        if let things = fields["things"] { readThings(things) }
        if let components = fields["components"] { readComponents(components) }
        if let streams = fields["streams"] { definition.streams = readStreams(streams) }
        if let subscriptions = fields["subscriptions"] { readSubscriptions(subscriptions) }
        if let shadows = fields["shadows"] { definition.shadows = readShadows(shadows) }
        if let rotation = fields["caRotation"] { readRotation(rotation) }
        validate(shapeIsSound: reader.errors.count == errorsBefore, fields: Set(fields.keys))
        return definition
    }

    private mutating func kind(of root: Node) -> (value: String, place: Place)? {
        guard case .mapping(let mapping) = root else {
            _ = reader.entries(root, what: "a manifest")
            return nil
        }
        guard let value = mapping["kind"] else {
            reader.report(Place(root.mark), "the manifest lacks \"kind\"; write kind: Group")
            return nil
        }
        return reader.text(value, what: "\"kind\"").map { ($0, Place(value.mark)) }
    }

    // MARK: Parts

    private mutating func names(_ entry: ManifestReader.Entry) -> [String] {
        places[entry.key] = entry.place
        var names: [String] = []
        for node in reader.list(entry) ?? [] {
            guard let name = reader.text(node, what: "a name in \"\(entry.key)\"") else { continue }
            places["\(entry.key)[\(names.count)]"] = Place(node.mark)
            names.append(name)
        }
        return names
    }

    /// Names, and selectors in the form `{selector: TEXT}`.
    private mutating func readThings(_ entry: ManifestReader.Entry) {
        places[entry.key] = entry.place
        for node in reader.list(entry) ?? [] {
            guard reader.isMapping(node) else {
                guard let name = reader.text(node, what: "a name in \"things\"") else { continue }
                places["things[\(definition.things.count)]"] = Place(node.mark)
                definition.things.append(name)
                continue
            }
            guard
                let fields = reader.fields(
                    node, what: "an entry of things", known: ["selector"], required: ["selector"]),
                let field = fields["selector"],
                let text = reader.text(field.value, what: "\"selector\"")
            else { continue }
            do throws(InvalidSelector) {
                let selector = try ThingSelector(parsing: text)
                places["selectors[\(definition.selectors.count)]"] = field.place
                definition.selectors.append(selector)
            } catch {
                reader.report(field.place, error.description)
            }
        }
    }

    private mutating func readComponents(_ entry: ManifestReader.Entry) {
        places["components"] = entry.place
        for node in reader.list(entry) ?? [] {
            guard
                let fields = reader.fields(
                    node, what: "a component of a group", known: Self.componentKeys,
                    required: ["name", "version"])
            else { continue }
            let name = fields["name"].flatMap { reader.text($0.value, what: "\"name\"") }
            let component = fields["component"].map { reader.text($0.value, what: "\"component\"") }
            let version = fields["version"].flatMap { request($0) }
            let path = "components[\(definition.components.count)]"
            let configuration = fields["configuration"].map {
                readConfiguration($0, path: "\(path).configuration")
            }
            let environment = fields["environment"].map { readEnvironment($0, path: "\(path).environment") }
            let shadows = fields["shadows"].map { readPatterns($0, path: "\(path).shadows") }
            guard let name, let version else { continue }
            places[path] = Place(node.mark)
            for (key, field) in fields { places["\(path).\(key)"] = field.place }
            // A `component` that is no text was reported; the rest of the instance is checked without it.
            definition.components.append(
                ComponentInstance(
                    name: name, component: component.flatMap { $0 }, request: version,
                    configuration: configuration ?? ConfigurationUpdate(), environment: environment ?? [:],
                    shadows: shadows ?? []))
        }
    }

    private mutating func request(_ entry: ManifestReader.Entry) -> VersionRequest? {
        guard let text = reader.text(entry.value, what: "\"version\"") else { return nil }
        do throws(InvalidVersionRange) {
            return try VersionRequest(parsing: text)
        } catch {
            reader.report(entry.place, error.description)
            return nil
        }
    }

    private mutating func readSubscriptions(_ entry: ManifestReader.Entry) {
        places["subscriptions"] = entry.place
        for node in reader.list(entry) ?? [] {
            guard
                let fields = reader.fields(
                    node, what: "a subscription", known: ["from", "topic", "to", "via"],
                    required: ["from", "topic", "to"])
            else { continue }
            let from = fields["from"].flatMap { end($0) }
            let to = fields["to"].flatMap { end($0) }
            let topic = fields["topic"].flatMap { reader.text($0.value, what: "\"topic\"") }
            let via = fields["via"].map { reader.text($0.value, what: "\"via\"") }
            guard let from, let to, let topic else { continue }
            // A `via` that is no text was reported; the rest of the subscription is checked without it.
            let path = "subscriptions[\(definition.subscriptions.count)]"
            places[path] = Place(node.mark)
            for (key, field) in fields { places["\(path).\(key)"] = field.place }
            definition.subscriptions.append(
                Subscription(from: from, topicFilter: topic, to: to, via: via.flatMap { $0 }))
        }
    }

    private mutating func end(_ entry: ManifestReader.Entry) -> SubscriptionEnd? {
        guard let text = reader.text(entry.value, what: "\"\(entry.key)\"") else { return nil }
        do throws(InvalidSubscriptionEnd) {
            return try SubscriptionEnd(parsing: text)
        } catch {
            reader.report(entry.place, error.description)
            return nil
        }
    }

    private mutating func readRotation(_ entry: ManifestReader.Entry) {
        places["caRotation"] = entry.place
        definition.caRotation = reader.span(entry)
    }

    // MARK: Meaning

    /// Reports what is wrong with the definition as a whole.
    ///
    /// Where parts of it could not be read, problems that may only follow from that are left out: a thing
    /// that seems missing from a list that has an error, for instance.
    private mutating func validate(shapeIsSound: Bool, fields: Set<String>) {
        for problem in definition.validate() {
            let inMissingField = places[problem.path] == nil
            if !shapeIsSound {
                if inMissingField { continue }
                if problem.path == "name" && definition.name.isEmpty { continue }
                if problem.path == "cores" && definition.cores.isEmpty { continue }
                if problem.message.contains("is not in the group")
                    || problem.message.contains("is no thing and no core of the group")
                    || problem.message.hasPrefix("there is no stream")
                {
                    continue
                }
            }
            reader.report(places.nearest(to: problem.path), places.readable(problem.message))
        }
    }
}
