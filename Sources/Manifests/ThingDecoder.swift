import Components
import Yams

/// Turns one document of `kind: Thing` or `kind: ThingType` into what it says.
struct ThingDecoder {
    var reader: ManifestReader
    /// Where the parts are, by the paths that ``ThingRules`` uses.
    private(set) var places = GroupPlaces()

    init(reader: ManifestReader) {
        self.reader = reader
    }

    /// The thing; nil where it cannot be read. Errors are in ``reader``.
    mutating func thing(_ root: Node) -> ThingDefinition? {
        guard
            let fields = reader.fields(
                root, what: "a thing", known: ["kind", "name", "core", "type", "attributes"],
                required: ["name"])
        else { return nil }
        places[""] = Place(root.mark)
        let errorsBefore = reader.errors.count
        var thing = ThingDefinition(name: text("name", in: fields) ?? "")
        if let core = fields["core"] { thing.isCore = truth(core) ?? false }
        if let type = text("type", in: fields) {
            thing.type = type
            if type.isEmpty {
                reader.report(places.nearest(to: "type"), "\"type\" is empty; name a type, or remove it")
            }
        }
        if let attributes = fields["attributes"] { thing.attributes = texts(attributes, what: "attributes") }
        if reader.errors.count == errorsBefore, fields["name"] != nil {
            report(ThingRules.problems(with: thing))
        }
        return thing
    }

    /// The type; nil where it cannot be read. Errors are in ``reader``.
    mutating func type(_ root: Node) -> ThingTypeDefinition? {
        guard
            let fields = reader.fields(
                root, what: "a thing type", known: ["kind", "name", "description", "attributes"],
                required: ["name"])
        else { return nil }
        places[""] = Place(root.mark)
        let errorsBefore = reader.errors.count
        var type = ThingTypeDefinition(name: text("name", in: fields) ?? "")
        if let description = text("description", in: fields) { type.description = description }
        if let attributes = fields["attributes"] { type.attributes = texts(attributes, what: "attributes") }
        if reader.errors.count == errorsBefore, fields["name"] != nil {
            report(ThingRules.problems(with: type))
        }
        return type
    }

    private mutating func report(_ problems: [DefinitionProblem]) {
        for problem in problems {
            reader.report(places.nearest(to: problem.path), "\(problem.path) \(problem.message)")
        }
    }

    private mutating func text(_ key: String, in fields: [String: ManifestReader.Entry]) -> String? {
        guard let entry = fields[key] else { return nil }
        places[key] = entry.place
        return reader.text(entry.value, what: "\"\(key)\"")
    }

    private mutating func truth(_ entry: ManifestReader.Entry) -> Bool? {
        if case .scalar(let scalar) = entry.value, scalar.style == .plain {
            if scalar.string == "true" { return true }
            if scalar.string == "false" { return false }
        }
        reader.report(entry.place, "\"\(entry.key)\" has to be true or false")
        return nil
    }

    /// A mapping of texts.
    private mutating func texts(_ entry: ManifestReader.Entry, what: String) -> [String: String] {
        places[entry.key] = entry.place
        var texts: [String: String] = [:]
        for element in reader.entries(entry.value, what: what) ?? [] {
            places[ThingRules.path(ofAttribute: element.key)] = element.keyPlace
            if let text = reader.text(element.value, what: "\"\(element.key)\"") { texts[element.key] = text }
        }
        return texts
    }
}
