import Components
import Yams

/// Values of any form: configuration, environment.
extension ManifestReader {
    /// A value as JSON has it. Nil (and an error) where it is none.
    ///
    /// - Parameter visit: told of each member of an object, with the keys that lead there.
    mutating func configurationValue(
        _ node: Node, at keys: [String] = [], visit: ([String], Place) -> Void
    ) -> ConfigurationValue? {
        switch node {
        case .mapping: return configurationMembers(node, at: keys, visit: visit).map { .object($0) }
        case .sequence(let sequence):
            var elements: [ConfigurationValue] = []
            for (index, element) in sequence.enumerated() {
                let place = keys + [String(index)]
                visit(place, Place(element.mark))
                guard let value = configurationValue(element, at: place, visit: visit) else { continue }
                elements.append(value)
            }
            return .list(elements)
        case .scalar(let scalar): return configurationScalar(scalar)
        case .alias:
            report(Place(node.mark), "aliases are not allowed; write the value again")
            return nil
        }
    }

    /// The members of an object. Nil (and an error) where it is none.
    mutating func configurationMembers(
        _ node: Node, at keys: [String] = [], what: String = "the configuration",
        visit: ([String], Place) -> Void
    ) -> [String: ConfigurationValue]? {
        guard let entries = entries(node, what: what) else { return nil }
        var members: [String: ConfigurationValue] = [:]
        for entry in entries {
            visit(keys + [entry.key], entry.keyPlace)
            members[entry.key] = configurationValue(entry.value, at: keys + [entry.key], visit: visit)
        }
        return members
    }

    private mutating func configurationScalar(_ scalar: Node.Scalar) -> ConfigurationValue? {
        let place = Place(Node.scalar(scalar).mark)
        switch tag(of: scalar) {
        case .null: return .null
        case .bool:
            if let flag = Bool.construct(from: scalar) { return .bool(flag) }
        case .int:
            if let number = Int64.construct(from: scalar) { return .int(number) }
            report(place, "\(shown(scalar.string)) does not fit 64 bits; write it as a text, in quotes")
            return nil
        case .float:
            if let number = Double.construct(from: scalar), number.isFinite { return .double(number) }
            report(place, "\(shown(scalar.string)) is no number that JSON has; write a finite one")
            return nil
        case .binary: break
        default: return .string(scalar.string)
        }
        report(place, "\(shown(scalar.string)) cannot be read as a value; write it in quotes")
        return nil
    }

    /// A text; a number or a truth value counts as the text that stands there. Nil (and an error) for everything else.
    mutating func variable(_ entry: Entry) -> String? {
        if case .scalar(let scalar) = entry.value {
            switch tag(of: scalar) {
            case .int, .float, .bool: return scalar.string
            case .null:
                report(
                    entry.place,
                    "the variable \"\(shown(entry.key))\" has no value; write \"\" for an empty one")
                return nil
            default: break
            }
        }
        return text(entry.value, what: "the variable \"\(shown(entry.key))\"")
    }
}
