public import Components

/// A group file: YAML or JSON of `kind: Group` (architecture, section 6; every key is in docs/groups.md).
public struct GroupManifest: Hashable, Sendable {
    /// What the document says.
    public let definition: GroupDefinition
    /// Line on which the document begins, counting from 1.
    public let line: Int
    private let fileName: String
    private let places: GroupPlaces

    /// What was found wrong with the definition after it was read, each problem with its place in the file.
    public func locate(_ problems: [DefinitionProblem]) -> [ManifestError] {
        problems.map { problem in
            let place = places.nearest(to: problem.path)
            return ManifestError(
                fileName: fileName, line: place.line, column: place.column,
                message: places.readable(problem.message))
        }
    }

    /// Reads a file that holds one group, strictly: every unknown key, wrong type, repeated key and invalid
    /// value is an error.
    ///
    /// - Parameters:
    ///   - text: YAML or JSON, at most 1 MiB.
    ///   - fileName: what errors call the file.
    /// - Throws: ``ManifestErrors`` with every error and its place.
    public static func parse(_ text: String, fileName: String) throws(ManifestErrors) -> GroupDefinition {
        try parseOne(text, fileName: fileName).definition
    }

    /// Reads a file that holds one group, as ``parse(_:fileName:)`` does, and keeps the places of its parts.
    ///
    /// - Parameters:
    ///   - text: YAML or JSON, at most 1 MiB.
    ///   - fileName: what errors call the file.
    /// - Throws: ``ManifestErrors`` with every error and its place.
    public static func parseOne(_ text: String, fileName: String) throws(ManifestErrors) -> GroupManifest {
        let manifests = try parseAll(text, fileName: fileName)
        if manifests.count > 1 {
            throw ManifestErrors([
                ManifestError(
                    fileName: fileName, line: manifests[1].line, column: 1,
                    message: "the file holds \(manifests.count) groups; only one is allowed here")
            ])
        }
        return manifests[0]
    }

    /// Reads a file that holds one or more groups, as documents between lines of `---`.
    ///
    /// - Returns: the groups in the order of the file, at least one.
    /// - Throws: ``ManifestErrors`` with every error of every document and its place.
    public static func parseAll(_ text: String, fileName: String) throws(ManifestErrors) -> [GroupManifest] {
        let documents = try YAMLDocuments(text, fileName: fileName).documents
        var reader = ManifestReader(fileName: fileName)
        var manifests: [GroupManifest] = []
        var lines: [String: Int] = [:]
        for document in documents {
            var decoder = GroupDecoder(reader: reader)
            let definition = decoder.decode(document.root)
            reader = decoder.reader
            guard let definition else { continue }
            if let line = lines.updateValue(document.place.line, forKey: definition.name) {
                reader.report(document.place, "the group \"\(definition.name)\" is on line \(line) already")
            }
            manifests.append(
                GroupManifest(
                    definition: definition, line: document.place.line, fileName: fileName,
                    places: decoder.places))
        }
        if !reader.errors.isEmpty { throw ManifestErrors(reader.errors) }
        return manifests
    }
}
