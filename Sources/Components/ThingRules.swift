import Identity

/// The rules for types and attributes of things.
public enum ThingRules {
    /// Most attributes of a thing, or of a type.
    public static let mostAttributes = 50
    /// Most bytes of an attribute's value.
    public static let mostValueBytes = 256
    /// Most bytes of a description.
    public static let mostDescriptionBytes = 1_024

    /// What is wrong with a thing, in itself and by its type; empty where nothing is.
    ///
    /// - Parameter type: the thing's type, where there is one of that name.
    public static func problems(
        with thing: ThingDefinition, type: ThingTypeDefinition? = nil
    ) -> [DefinitionProblem] {
        var problems: [DefinitionProblem] = []
        if let problem = problem(withName: thing.name) {
            problems.append(DefinitionProblem(path: "name", message: "is not a name: \(problem)"))
        }
        if !thing.type.isEmpty, let problem = problem(withName: thing.type) {
            problems.append(DefinitionProblem(path: "type", message: "is not a name: \(problem)"))
        }
        problems += self.problems(withAttributes: thing.attributes, type: type)
        return problems
    }

    /// What is wrong with attributes.
    ///
    /// - Parameter type: the thing's type, where there is one of that name.
    public static func problems(
        withAttributes attributes: [String: String], type: ThingTypeDefinition? = nil
    ) -> [DefinitionProblem] {
        var problems = keyProblems(attributes)
        for (key, value) in attributes.sorted(by: { $0.key < $1.key }).prefix(mostAttributes) {
            let path = path(ofAttribute: key)
            if value.utf8.count > mostValueBytes {
                problems.append(
                    DefinitionProblem(
                        path: path,
                        message: "has \(value.utf8.count) bytes; at most \(mostValueBytes) are allowed"))
            }
            if let type, !type.attributes.isEmpty, type.attributes[key] == nil, EntityName.isValid(key) {
                let known = type.attributes.keys.sorted()
                let hint =
                    Suggestion.nearest(to: key, in: known).map { "did you mean \"\($0)\"?" }
                    ?? "known are \(known.joined(separator: ", "))"
                problems.append(
                    DefinitionProblem(
                        path: path, message: "is no attribute of the type \"\(type.name)\"; \(hint)"))
            }
        }
        return problems
    }

    /// What is wrong with a type; empty where nothing is.
    public static func problems(with type: ThingTypeDefinition) -> [DefinitionProblem] {
        var problems: [DefinitionProblem] = []
        if let problem = problem(withName: type.name) {
            problems.append(DefinitionProblem(path: "name", message: "is not a name: \(problem)"))
        }
        problems += keyProblems(type.attributes)
        let texts =
            [("description", type.description)]
            + type.attributes.sorted { $0.key < $1.key }
            .prefix(mostAttributes).map { (path(ofAttribute: $0.key), $0.value) }
        for (path, text) in texts where text.utf8.count > mostDescriptionBytes {
            problems.append(
                DefinitionProblem(
                    path: path,
                    message: "has \(text.utf8.count) bytes; at most \(mostDescriptionBytes) are allowed"))
        }
        return problems
    }

    private static func keyProblems(_ attributes: [String: String]) -> [DefinitionProblem] {
        var problems: [DefinitionProblem] = []
        if attributes.count > mostAttributes {
            problems.append(
                DefinitionProblem(
                    path: "attributes",
                    message: "has \(attributes.count) entries; at most \(mostAttributes) are allowed"))
        }
        for key in attributes.keys.sorted().prefix(mostAttributes) {
            if let problem = problem(withName: key) {
                problems.append(
                    DefinitionProblem(
                        path: path(ofAttribute: key), message: "is not a name: \(problem)"))
            } else if ThingSelector.reservedKeys.contains(key) {
                problems.append(
                    DefinitionProblem(
                        path: path(ofAttribute: key),
                        message: "is what selectors call the thing's own \(key); choose another key"))
            }
        }
        return problems
    }

    /// Where an attribute is: `attributes["hall"]`.
    public static func path(ofAttribute key: String) -> String { "attributes[\"\(key.prefix(64))\"]" }

    private static func problem(withName name: String) -> String? {
        do throws(InvalidName) {
            try EntityName.validate(name)
            return nil
        } catch {
            return error.description
        }
    }
}
