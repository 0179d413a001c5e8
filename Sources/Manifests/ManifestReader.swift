import Components
import Identity
import Yams

/// Reads typed values out of a document and collects what is wrong.
struct ManifestReader {
    let fileName: String
    var errors: [ManifestError] = []

    mutating func report(_ place: Place, _ message: String) {
        errors.append(
            ManifestError(fileName: fileName, line: place.line, column: place.column, message: message))
    }

    /// One value of a mapping, under its key.
    struct Entry {
        let key: String
        let keyPlace: Place
        let value: Node
        var place: Place { Place(value.mark) }
    }

    /// The entries of a mapping, keys being texts and unique. Nil (and an error) where it is none.
    mutating func entries(_ node: Node, what: String) -> [Entry]? {
        guard case .mapping(let mapping) = node else {
            report(Place(node.mark), "\(what) has to be a mapping (key: value), but is \(kind(of: node))")
            return nil
        }
        var entries: [Entry] = []
        var seen = Set<String>()
        for (key, value) in mapping {
            let place = Place(key.mark)
            guard case .scalar(let scalar) = key else {
                report(place, "a key has to be a text, but is \(kind(of: key))")
                continue
            }
            guard seen.insert(scalar.string).inserted else {
                report(place, "the key \"\(shown(scalar.string))\" is there twice; remove one")
                continue
            }
            entries.append(Entry(key: scalar.string, keyPlace: place, value: value))
        }
        return entries
    }

    /// The entries of a mapping by key; keys that are not among the known ones are reported.
    ///
    /// - Parameters:
    ///   - later: keys that are known and not in this version, with what there is not.
    ///   - advice: keys that do not belong here, with what to do instead.
    mutating func fields(
        _ node: Node, what: String, known: [String], required: [String] = [], later: [String: String] = [:],
        advice: [String: String] = [:]
    ) -> [String: Entry]? {
        guard let entries = entries(node, what: what) else { return nil }
        var fields: [String: Entry] = [:]
        for entry in entries {
            if known.contains(entry.key) {
                fields[entry.key] = entry
            } else if let missing = later[entry.key] {
                report(entry.keyPlace, "this version has no \(missing); remove \"\(entry.key)\"")
            } else if let advice = advice[entry.key] {
                report(entry.keyPlace, advice)
            } else {
                let near = Suggestion.nearest(to: entry.key, in: known)
                report(
                    entry.keyPlace,
                    "\(what) has no key \"\(shown(entry.key))\"; "
                        + (near.map { "did you mean \"\($0)\"?" }
                            ?? "known are \(known.joined(separator: ", "))"))
            }
        }
        for key in required where fields[key] == nil {
            report(Place(node.mark), "\(what) lacks \"\(key)\"; add it")
        }
        return fields
    }

    /// The elements of a list. Nil (and an error) where it is none.
    mutating func list(_ entry: Entry) -> [Node]? {
        guard case .sequence(let sequence) = entry.value else {
            report(entry.place, "\"\(entry.key)\" has to be a list, but is \(kind(of: entry.value))")
            return nil
        }
        return Array(sequence)
    }

    /// A text. Nil (and an error) where it is none.
    mutating func text(_ node: Node, what: String) -> String? {
        guard case .scalar(let scalar) = node, isText(scalar) else {
            var message = "\(what) has to be a text, but is \(kind(of: node))"
            if case .scalar(let scalar) = node, !scalar.string.isEmpty {
                message += "; write it in quotes: \"\(shown(scalar.string))\""
            }
            report(Place(node.mark), message)
            return nil
        }
        return scalar.string
    }

    /// A text or a whole number, as a text: a size may be written without a unit.
    mutating func textOrInteger(_ entry: Entry) -> String? {
        if case .scalar(let scalar) = entry.value, tag(of: scalar) == Tag.Name.int { return scalar.string }
        return text(entry.value, what: "\"\(entry.key)\"")
    }

    /// A whole number. Nil (and an error) where it is none.
    mutating func integer(_ entry: Entry) -> Int? {
        guard case .scalar(let scalar) = entry.value, scalar.style == .plain, let number = Int(scalar.string)
        else {
            report(entry.place, "\"\(entry.key)\" has to be a whole number, but is \(kind(of: entry.value))")
            return nil
        }
        return number
    }

    /// A number. Nil (and an error) where it is none.
    mutating func number(_ entry: Entry) -> Double? {
        guard case .scalar(let scalar) = entry.value, scalar.style == .plain,
            let number = Double(scalar.string),
            number.isFinite
        else {
            report(entry.place, "\"\(entry.key)\" has to be a number, but is \(kind(of: entry.value))")
            return nil
        }
        return number
    }

    /// A truth value. Nil (and an error) where it is none.
    mutating func flag(_ entry: Entry) -> Bool? {
        guard case .scalar(let scalar) = entry.value, tag(of: scalar) == .bool,
            let flag = Bool.construct(from: scalar)
        else {
            report(entry.place, "\"\(entry.key)\" has to be true or false, but is \(kind(of: entry.value))")
            return nil
        }
        return flag
    }

    /// One of a few words. Nil (and an error) where it is none.
    mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ entry: Entry, what: String
    ) -> Value? where Value.RawValue == String {
        guard let text = text(entry.value, what: "\"\(entry.key)\"") else { return nil }
        if let value = Value(rawValue: text) { return value }
        let known = Value.allCases.map(\.rawValue).joined(separator: " or ")
        report(entry.place, "\"\(shown(text))\" is no \(what); write \(known)")
        return nil
    }

    /// A number of bytes, with or without a unit. Nil (and an error) where it is none.
    mutating func size(_ entry: Entry) -> ByteSize? {
        guard let text = textOrInteger(entry) else { return nil }
        do throws(InvalidByteSize) {
            return try ByteSize(parsing: text)
        } catch {
            report(entry.place, error.description)
            return nil
        }
    }

    /// A span of time. Nil (and an error) where it is none.
    mutating func span(_ entry: Entry) -> TimeSpan? {
        guard let text = textOrInteger(entry) else { return nil }
        do throws(InvalidTimeSpan) {
            return try TimeSpan(parsing: text)
        } catch {
            report(entry.place, error.description)
            return nil
        }
    }

    // MARK: Kinds

    /// Whether a value is a mapping.
    func isMapping(_ node: Node) -> Bool { if case .mapping = node { true } else { false } }

    func isText(_ scalar: Node.Scalar) -> Bool {
        switch tag(of: scalar) {
        case .int, .float, .bool, .null, .binary: false
        default: true
        }
    }

    func tag(of scalar: Node.Scalar) -> Tag.Name {
        if scalar.style != .plain, scalar.style != .any { return .str }
        return Tag.Name(rawValue: Node.scalar(scalar).tag.description)
    }

    /// What a value is, for people.
    func kind(of node: Node) -> String {
        switch node {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        case .scalar(let scalar):
            switch tag(of: scalar) {
            case .null: "empty"
            case .int: "the number \(shown(scalar.string))"
            case .float: "the number \(shown(scalar.string))"
            case .bool: "the truth value \(shown(scalar.string))"
            case .binary: "binary data"
            default: "the text \"\(shown(scalar.string))\""
            }
        }
    }

    /// A text from the file, fit for one line of an error.
    func shown(_ text: String) -> String {
        let line = text.prefix(60).map { $0.isNewline ? " " : $0 }
        return String(line) + (text.count > 60 ? "…" : "")
    }
}
