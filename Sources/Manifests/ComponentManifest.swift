public import Components
public import Transforms
import Yams

/// A recipe file: YAML or JSON of `kind: Component` (architecture, section 5; docs/transforms.md).
public struct ComponentManifest: Sendable {
    /// What the document says.
    public let recipe: Recipe
    /// What the component does, checked; a transform compiled.
    public let work: ComponentWork
    /// The text that was read, as it was.
    public let text: String
    /// What is odd and may well be meant, with places.
    public let warnings: [ManifestError]

    /// The configuration that a recipe has and the variables that it gives its instances, without looking at anything
    /// else in it; nil where they cannot be read.
    ///
    /// - Parameter text: a recipe that was checked before.
    public static func configuration(of text: String) -> RecipeConfiguration? {
        let documents = try? YAMLDocuments(
            text, fileName: "", maximumBytes: ManifestLimits.recipeBytes
        ).documents
        guard let root = documents?.first?.root, case .mapping(let mapping) = root else { return nil }
        var reader = ManifestReader(fileName: "")
        let members = mapping["configuration"].map { reader.configurationMembers($0) { _, _ in } ?? [:] }
        var variables: [String: String] = [:]
        var isLive = false
        if case .mapping(let process)? = mapping["process"] {
            for entry in process["environment"].map({ reader.entries($0, what: "\"environment\"") ?? [] })
                ?? []
            {
                variables[entry.key] = reader.variable(entry)
            }
            isLive = process["onConfigurationChange"]?.string == ConfigurationPolicy.notify.rawValue
        }
        return reader.errors.isEmpty
            ? RecipeConfiguration(members ?? [:], variables: variables, isLive: isLive) : nil
    }

    /// Reads a recipe, strictly: every unknown key, wrong type, repeated key and invalid value is an error,
    /// and so is everything that the check of its expressions finds.
    ///
    /// - Parameters:
    ///   - text: YAML or JSON of one document, at most 256 KiB.
    ///   - fileName: what errors call the file.
    /// - Throws: ``ManifestErrors`` with every error and its place. The message of an error in an expression
    ///   has two more lines: the line of the file, and a caret under the place (``ManifestError/lines``).
    public static func parse(_ text: String, fileName: String) throws(ManifestErrors) -> ComponentManifest {
        let documents = try YAMLDocuments(
            text, fileName: fileName, maximumBytes: ManifestLimits.recipeBytes,
            what: ("a recipe", "kind: Component")
        ).documents
        if documents.count > 1 {
            throw ManifestErrors([
                ManifestError(
                    fileName: fileName, line: documents[1].place.line, column: 1,
                    message:
                        "the file holds \(documents.count) documents; a recipe is one, so that its text is "
                        + "what the version stands for: write each into a file of its own")
            ])
        }
        var decoder = ComponentDecoder(reader: ManifestReader(fileName: fileName), text: text)
        guard let (recipe, work) = decoder.decode(documents[0].root), decoder.reader.errors.isEmpty
        else {
            throw ManifestErrors(decoder.reader.errors)
        }
        return ComponentManifest(
            recipe: recipe, work: work, text: text, warnings: decoder.warnings)
    }

    /// The compiled transform; nil where the component is a process.
    public var transform: Transform? {
        if case .transform(let transform) = work { transform } else { nil }
    }

    /// The program; nil where the component is a transform.
    public var process: ProcessDefinition? {
        if case .process(let definition) = work { definition } else { nil }
    }
}
