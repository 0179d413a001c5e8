import Components
import Identity
import Transforms
import Yams

/// Turns one document into a recipe and what it does, and puts the place to everything that is wrong.
struct ComponentDecoder {
    var reader: ManifestReader
    /// What is odd and may well be meant.
    private(set) var warnings: [ManifestError] = []
    let source: SourceText
    /// Where the parts of the recipe are, by the paths that the check of transforms uses.
    var places: [String: Place] = [:]
    /// The scalars that hold expressions, by the same paths.
    var expressions: [String: Node.Scalar] = [:]
    /// The paths of steps that could not be read, or not wholly: what the check says of such a step, and of
    /// names that it may have bound, may only follow from that.
    var unreadSteps: Set<String> = []

    init(reader: ManifestReader, text: String) {
        self.reader = reader
        self.source = SourceText(text)
    }

    static let keys = [
        "kind", "name", "version", "description", "input", "transform", "process", "access", "dependencies",
        "platforms", "artifacts", "configuration",
    ]
    private static let advice = Dictionary(
        uniqueKeysWithValues: processKeys.map {
            ($0, "\"\($0)\" is a key of programs; write it below \"process\"")
        }
    ).merging([
        "hooks": "hooks are keys of \"process\": install, startup, shutdown, recover; write them there",
        "lifecycle": "hooks are keys of \"process\": install, startup, shutdown, recover; write them there",
        "function": "a function is a program with mode: onDemand; write \"process\"",
        "timeout": "write \"handlerTimeout\" below \"process\", or the \"timeout\" of one of its hooks",
        "memory": "write limits: {memory: …} below \"process\"",
    ]) { $1 }

    /// The recipe and what it does; nil where there is none. Errors are in ``reader``.
    mutating func decode(_ root: Node) -> (recipe: Recipe, work: ComponentWork)? {
        guard isComponent(root),
            let fields = reader.fields(
                root, what: "a component", known: Self.keys, required: ["name", "version"],
                advice: Self.advice)
        else { return nil }
        places[""] = Place(root.mark)
        let name = fields["name"].flatMap { readName($0) }
        let version = fields["version"].flatMap { readVersion($0) }
        let description = fields["description"].flatMap { readDescription($0) } ?? ""
        let isProcess = checkKind(of: fields, root)
        let (access, isAccessRead) =
            fields["access"].map { readAccess($0, ofProcess: isProcess) } ?? (ComponentAccess(), true)
        let configuration = fields["configuration"].map { readConfiguration($0) } ?? RecipeConfiguration()
        let requirements = readRequirements(fields, of: name)
        let process = fields["process"].flatMap { readProcess($0) }
        let transform = readTransform(
            fields, access: isAccessRead ? access : Self.everything, configuration)
        guard reader.errors.isEmpty, let name, let version else { return nil }
        let work: (definition: RecipeWork, compiled: ComponentWork)
        if let process {
            work = (.process(process), .process(process))
        } else if let transform {
            work = (.transform(transform.definition), .transform(transform.compiled))
        } else {
            return nil
        }
        let recipe = Recipe(
            name: name, version: version, description: description, access: access, work: work.definition,
            configuration: configuration.defaults, dependencies: requirements.dependencies,
            platforms: requirements.platforms, artifacts: requirements.artifacts)
        return (recipe, work.compiled)
    }

    /// Checks that there is one of the two kinds, and says whether it is a process.
    private mutating func checkKind(of fields: [String: ManifestReader.Entry], _ root: Node) -> Bool {
        switch (fields["transform"], fields["process"]) {
        case (nil, nil):
            reader.report(
                Place(root.mark),
                "a component lacks \"transform\" or \"process\"; add its steps, or the program that it runs")
        case (.some, let process?):
            reader.report(
                process.keyPlace, "a component has either \"transform\" or \"process\"; remove one")
        case (nil, .some):
            if let input = fields["input"] {
                reader.report(input.keyPlace, "\"input\" goes with \"transform\" only; remove it")
            }
            return true
        case (.some, nil): break
        }
        return false
    }

    private mutating func readTransform(
        _ fields: [String: ManifestReader.Entry], access: ComponentAccess,
        _ configuration: RecipeConfiguration
    ) -> (definition: TransformDefinition, compiled: Transform)? {
        guard let entry = fields["transform"] else { return nil }
        if let input = fields["input"] { places["input"] = input.keyPlace }
        places["transform"] = entry.keyPlace
        let errorsBefore = reader.errors.count
        let input = fields["input"].flatMap { readInput($0) }
        let isInputRead = reader.errors.count == errorsBefore
        guard let steps = readSteps(entry) else { return nil }
        // What could not be read of `input` and `access` would make everything that uses it wrong.
        let definition = TransformDefinition(
            input: isInputRead ? input : nil, steps: steps,
            configuration: configuration.defaults.mapValues(\.expressionValue))
        return compile(definition, access: access).map { (definition, $0) }
    }

    private static let everything = ComponentAccess(
        host: HostAccess(HostAccess.allNames.compactMap { HostAccess(name: $0) }), shadows: .write)

    private mutating func isComponent(_ root: Node) -> Bool {
        guard case .mapping(let mapping) = root else {
            _ = reader.entries(root, what: "a manifest")
            return false
        }
        guard let value = mapping["kind"] else {
            reader.report(Place(root.mark), "the manifest lacks \"kind\"; write kind: Component")
            return false
        }
        guard let kind = reader.text(value, what: "\"kind\"") else { return false }
        if kind == "Component" { return true }
        reader.report(
            Place(value.mark),
            kind == "Group"
                ? "this is a group, not a component; apply it with hedgerow apply -f FILE"
                : "the kind \"\(reader.shown(kind))\" is not known; a recipe says kind: Component")
        return false
    }

    // MARK: Head

    private mutating func readName(_ entry: ManifestReader.Entry) -> String? {
        guard let name = reader.text(entry.value, what: "\"name\"") else { return nil }
        do throws(InvalidName) {
            try EntityName.validate(name)
            return name
        } catch {
            reader.report(entry.place, "the component's \(error)")
            return nil
        }
    }

    private mutating func readVersion(_ entry: ManifestReader.Entry) -> SemanticVersion? {
        // `1.0` is a number in YAML; that it has to be in quotes would be the lesser half of the advice.
        var text: String?
        if case .scalar(let scalar) = entry.value, scalar.style == .plain,
            scalar.string.first?.isNumber == true
        {
            text = scalar.string
        } else {
            text = reader.text(entry.value, what: "\"version\"")
        }
        guard let text else { return nil }
        do throws(InvalidVersion) {
            return try SemanticVersion(parsing: text)
        } catch {
            reader.report(entry.place, error.description)
            return nil
        }
    }

    private mutating func readDescription(_ entry: ManifestReader.Entry) -> String? {
        guard let text = reader.text(entry.value, what: "\"description\"") else { return nil }
        if text.utf8.count > ManifestLimits.descriptionBytes {
            reader.report(
                entry.place,
                "the description has \(text.utf8.count) bytes; at most \(ManifestLimits.descriptionBytes) are "
                    + "allowed")
        }
        return text
    }

    // MARK: Input

    private mutating func readInput(_ entry: ManifestReader.Entry) -> [InputField]? {
        guard let fields = reader.entries(entry.value, what: "\"input\"") else { return nil }
        var input: [InputField] = []
        for field in fields {
            let path = "input.\(field.key)"
            places[path] = field.keyPlace
            guard case .mapping = field.value else {
                if let type = fieldType(field.value) { input.append(InputField(name: field.key, type: type)) }
                continue
            }
            guard
                let parts = reader.fields(
                    field.value, what: "a field of input", known: ["type", "unit"], required: ["type"]),
                let type = parts["type"].flatMap({ fieldType($0.value) })
            else { continue }
            if let unit = parts["unit"] { places["\(path).unit"] = unit.place }
            let unit = parts["unit"].flatMap { reader.text($0.value, what: "\"unit\"") }
            input.append(InputField(name: field.key, type: type, unit: unit))
        }
        return input
    }

    private mutating func fieldType(_ node: Node) -> FieldType? {
        guard let name = reader.text(node, what: "the type of a field") else { return nil }
        if let type = FieldType(rawValue: name) { return type }
        let known = FieldType.allCases.map(\.rawValue)
        let others = [
            "float": "double", "number": "double", "real": "double", "float64": "double", "integer": "int",
            "long": "int", "int64": "int", "uint": "int", "boolean": "bool", "text": "string",
            "str": "string",
        ]
        let near = others[name.lowercased()] ?? Suggestion.nearest(to: name, in: known)
        reader.report(
            Place(node.mark),
            "there is no type \"\(reader.shown(name))\"; "
                + (near.map { "did you mean \"\($0)\"?" } ?? "known are \(known.joined(separator: ", "))"))
        return nil
    }

    // MARK: Meaning

    private mutating func compile(_ definition: TransformDefinition, access: ComponentAccess) -> Transform? {
        do throws(TransformErrors) {
            let transform = try Transform(definition, access: access.host, shadows: access.shadows)
            warnings = transform.warnings.map { problem in
                let (place, message) = locate(problem)
                return ManifestError(
                    fileName: reader.fileName, line: place.line, column: place.column, message: message)
            }
            return transform
        } catch {
            for problem in error.problems {
                if mayFollowFromUnread(problem) { continue }
                let (place, message) = locate(problem)
                reader.report(place, message)
            }
            return nil
        }
    }

    /// Whether a problem may only be there because a step, reported already, could not be read.
    private func mayFollowFromUnread(_ problem: TransformProblem) -> Bool {
        if unreadSteps.isEmpty { return false }
        let step = problem.path.prefix { $0 != "." }
        return problem.span == nil && (step == "transform" || unreadSteps.contains(String(step)))
    }

    /// The place of a problem; where that is within an expression, the message has the line and a caret too.
    private func locate(_ problem: TransformProblem) -> (Place, String) {
        let message = String(problem.message.map { $0.isNewline ? " " : $0 })
        guard let span = problem.span, let scalar = expressions[problem.path] else {
            return (place(of: problem.path), message)
        }
        let whole = source.index(of: Place(scalar.mark))
        let range = ScalarPlaces(of: scalar, in: source)?.range(of: span) ?? whole..<whole
        let excerpt = SourceExcerpt(of: range, in: source)
        return (
            source.place(of: range.lowerBound),
            ([message] + excerpt.lines).joined(separator: "\n")
        )
    }

    /// The nearest place that encloses a path.
    private func place(of path: String) -> Place {
        var path = Substring(path)
        while places[String(path)] == nil, let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) {
            path = path[..<cut]
        }
        return places[String(path)] ?? places[""] ?? .start
    }
}
