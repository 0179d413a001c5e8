import Components
import Identity
import Yams

/// Turns one document of `kind: Alias` into what it says.
struct AliasDecoder {
    var reader: ManifestReader

    /// The alias; nil where it cannot be read. Errors are in ``reader``.
    mutating func alias(_ root: Node) -> AliasDefinition? {
        let keys = ["kind", "component", "name", "version"]
        guard
            let fields = reader.fields(
                root, what: "an alias", known: keys, required: Array(keys.dropFirst()))
        else { return nil }
        let (component, name) = (self.name("component", in: fields), self.name("name", in: fields))
        guard let version = version(in: fields), let component, let name else { return nil }
        return AliasDefinition(component: component, name: name, version: version)
    }

    private mutating func name(_ key: String, in fields: [String: ManifestReader.Entry]) -> String? {
        guard let entry = fields[key], let name = reader.text(entry.value, what: "\"\(key)\"") else {
            return nil
        }
        do throws(InvalidName) {
            try EntityName.validate(name)
            return name
        } catch {
            let hint = name.hasPrefix("@") ? "; leave out the @" : ""
            reader.report(entry.place, "\"\(key)\" is not a name: \(error)\(hint)")
            return nil
        }
    }

    private mutating func version(in fields: [String: ManifestReader.Entry]) -> SemanticVersion? {
        guard let entry = fields["version"], let text = reader.text(entry.value, what: "\"version\"") else {
            return nil
        }
        do {
            return try SemanticVersion(parsing: text)
        } catch {
            reader.report(entry.place, "\"version\" has to be an exact version: \(error)")
            return nil
        }
    }
}
