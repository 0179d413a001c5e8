import Components
import Yams

/// Configuration and environment of component instances.
extension GroupDecoder {
    private static let configurationKeys = ["merge", "reset"]

    /// What an instance changes of its component's configuration.
    mutating func readConfiguration(_ entry: ManifestReader.Entry, path: String) -> ConfigurationUpdate {
        var update = ConfigurationUpdate()
        guard
            let fields = reader.fields(
                entry.value, what: "the configuration of a component", known: Self.configurationKeys)
        else { return update }
        for (key, field) in fields { places["\(path).\(key)"] = field.place }
        if let merge = fields["merge"] {
            var found: [(keys: [String], place: Place)] = []
            let members = reader.configurationMembers(merge.value, what: "\"merge\"") {
                found.append(($0, $1))
            }
            update.merge = (members ?? [:]).mapValues(\.canonical)
            for (keys, place) in found { places["\(path).merge\(JSONPointer.text(keys))"] = place }
        }
        if let reset = fields["reset"] { update.reset = readReset(reset, path: path) }
        return update
    }

    private mutating func readReset(_ entry: ManifestReader.Entry, path: String) -> [JSONPointer] {
        var pointers: [JSONPointer] = []
        for node in reader.list(entry) ?? [] {
            guard let text = reader.text(node, what: "a place in \"reset\"") else { continue }
            guard let pointer = JSONPointer(text) else {
                reader.report(
                    Place(node.mark),
                    "\"\(reader.shown(text))\" is no JSON pointer; write a path such as /limits/high, with ~1 for / and ~0 "
                        + "for ~ within a key")
                continue
            }
            places["\(path).reset[\(pointers.count)]"] = Place(node.mark)
            pointers.append(pointer)
        }
        return pointers
    }

    /// The variables of an instance.
    mutating func readEnvironment(_ entry: ManifestReader.Entry, path: String) -> [String: String] {
        var environment: [String: String] = [:]
        for variable in reader.entries(entry.value, what: "\"environment\"") ?? [] {
            places["\(path).\(variable.key)"] = variable.keyPlace
            environment[variable.key] = reader.variable(variable)
        }
        return environment
    }
}
