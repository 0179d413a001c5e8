import Identity
import Transforms
import Yams

extension ComponentDecoder {
    private static let steps = ["where", "let", "set", "keep", "drop", "shadow", "publish"]
    private static let laterSteps = ["window", "deadband", "throttle", "append"]

    /// The steps as far as they can be read; nil where there is no list. What cannot be read is reported and
    /// leaves out its step, or its entry of a step.
    mutating func readSteps(_ entry: ManifestReader.Entry) -> [TransformStep]? {
        guard let nodes = reader.list(entry) else { return nil }
        if nodes.count > TransformLimits.steps {
            reader.report(
                Place(nodes[TransformLimits.steps].mark),
                "\(nodes.count) steps are too many; a transform has at most \(TransformLimits.steps)")
            return nil
        }
        // An unread step keeps its number, so that the paths of the others stay right.
        return nodes.enumerated().map { index, node in
            let errorsBefore = reader.errors.count
            let step = readStep(node, path: "transform[\(index)]")
            if reader.errors.count > errorsBefore { unreadSteps.insert("transform[\(index)]") }
            return step ?? .set([])
        }
    }

    private mutating func readStep(_ node: Node, path: String) -> TransformStep? {
        places[path] = Place(node.mark)
        guard let entries = reader.entries(node, what: "a step") else { return nil }
        guard let entry = entries.first else {
            reader.report(
                Place(node.mark), "the step is empty; write one of \(Self.steps.joined(separator: ", "))")
            return nil
        }
        for second in entries.dropFirst() {
            reader.report(
                second.keyPlace,
                "a step has one key, and \"\(reader.shown(second.key))\" is one more than "
                    + "\"\(reader.shown(entry.key))\"; begin a step of its own with a dash")
        }
        guard let keyword = keyword(of: entry) else { return nil }
        let stepPath = "\(path).\(keyword)"
        places[stepPath] = entry.keyPlace
        switch keyword {
        case "where": return expression(entry.value, path: stepPath, what: "\"where\"").map { .filter($0) }
        case "let": return readBindings(entry, path: stepPath)
        case "set": return readAssignments(entry, path: stepPath)
        case "keep": return readNames(entry, path: stepPath).map { .keep($0) }
        case "drop": return readNames(entry, path: stepPath).map { .drop($0) }
        case "shadow": return readShadow(entry, path: stepPath)
        default: return readPublish(entry, path: stepPath)
        }
    }

    /// Which step an entry is. One that is misspelled is reported and read as what was probably meant, so that
    /// what follows from it is not wrong as well.
    private mutating func keyword(of entry: ManifestReader.Entry) -> String? {
        if Self.steps.contains(entry.key) { return entry.key }
        let name = reader.shown(entry.key)
        if Self.laterSteps.contains(entry.key) {
            reader.report(
                entry.keyPlace,
                "the step \"\(name)\" is not in this version; steps are \(Self.steps.joined(separator: ", "))"
            )
            return nil
        }
        let near = Suggestion.nearest(to: entry.key, in: Self.steps)
        reader.report(
            entry.keyPlace,
            "there is no step \"\(name)\"; "
                + (near.map { "did you mean \"\($0)\"?" } ?? "steps are \(Self.steps.joined(separator: ", "))")
        )
        return near
    }

    // MARK: Steps

    /// Stands for an expression that could not be read, so that its name is known and fits everywhere.
    static let placeholder = ExpressionText("dyn(null)")

    private mutating func readBindings(_ entry: ManifestReader.Entry, path: String) -> TransformStep? {
        guard let entries = reader.entries(entry.value, what: "\"let\"") else { return nil }
        return .bind(
            entries.map { binding in
                let bindingPath = "\(path).\(binding.key)"
                places[bindingPath] = binding.keyPlace
                let value = expression(
                    binding.value, path: bindingPath, what: "\"\(reader.shown(binding.key))\"")
                return LetBinding(name: binding.key, value: value ?? Self.placeholder)
            })
    }

    private mutating func readAssignments(_ entry: ManifestReader.Entry, path: String) -> TransformStep? {
        guard let entries = reader.entries(entry.value, what: "\"set\"") else { return nil }
        return .set(
            entries.map { field in
                let fieldPath = "\(path).\(field.key)"
                places[fieldPath] = field.keyPlace
                let what = "\"\(reader.shown(field.key))\""
                guard case .mapping = field.value else {
                    let value = expression(field.value, path: fieldPath, what: what)
                    return FieldAssignment(field: field.key, value: value ?? Self.placeholder)
                }
                let parts =
                    reader.fields(
                        field.value, what: "a field of set", known: ["value", "unit"], required: ["value"])
                    ?? [:]
                let value = parts["value"].flatMap {
                    expression($0.value, path: fieldPath, what: "\"value\"")
                }
                if let unit = parts["unit"] { places["\(fieldPath).unit"] = unit.place }
                let unit = parts["unit"].flatMap { reader.text($0.value, what: "\"unit\"") }
                return FieldAssignment(field: field.key, value: value ?? Self.placeholder, unit: unit)
            })
    }

    private mutating func readNames(_ entry: ManifestReader.Entry, path: String) -> [String]? {
        guard let nodes = reader.list(entry) else { return nil }
        var names: [String] = []
        for node in nodes {
            guard let name = reader.text(node, what: "a name in \"\(entry.key)\"") else { continue }
            places["\(path)[\(names.count)]"] = Place(node.mark)
            names.append(name)
        }
        return names
    }

    private mutating func readPublish(_ entry: ManifestReader.Entry, path: String) -> TransformStep? {
        places[path] = entry.place
        guard case .mapping = entry.value else {
            return reader.text(entry.value, what: "the topic of \"publish\"").map { .publish(.literal($0)) }
        }
        guard
            let parts = reader.fields(
                entry.value, what: "publish", known: ["topic"], required: ["topic"],
                later: ["qos": "qos of publish", "retain": "retained messages"]),
            let topic = parts["topic"]
        else { return nil }
        return expression(topic.value, path: path, what: "\"topic\"").map { .publish(.computed($0)) }
    }

    // MARK: Expressions

    /// An expression: any scalar, so that `factor: 2.0` and `valid: true` need no quotes.
    mutating func expression(_ node: Node, path: String, what: String) -> ExpressionText? {
        let errorsBefore = reader.errors.count
        guard case .scalar(let scalar) = node else {
            _ = reader.text(node, what: "the expression of \(what)")
            return nil
        }
        let isPlain = scalar.style == .plain || scalar.style == .any
        if isPlain, scalar.string.isEmpty {
            reader.report(
                Place(node.mark), "the expression of \(what) is missing; write one, such as 2.0 * x")
            return nil
        }
        if scalar.tag.description == Tag.Name.binary.rawValue {
            _ = reader.text(node, what: "the expression of \(what)")
            if reader.errors.count > errorsBefore { return nil }
        }
        expressions[path] = scalar
        let isBlock = scalar.style == .literal || scalar.style == .folded
        return ExpressionText(scalar.string, line: scalar.mark.map { $0.line + (isBlock ? 1 : 0) })
    }
}
