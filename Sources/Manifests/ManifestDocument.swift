public import Components
import Identity
import Yams

/// One document of a file that may hold several of every kind (`hedgerow apply -f`).
public struct ManifestDocument: Sendable {
    /// What a document says.
    public enum Content: Sendable {
        /// `kind: ThingType`.
        case thingType(ThingTypeDefinition)
        /// `kind: Thing`.
        case thing(ThingDefinition)
        /// `kind: Component`.
        case component(ComponentManifest)
        /// `kind: Alias`.
        case alias(AliasDefinition)
        /// `kind: Group`.
        case group(GroupManifest)
    }

    /// What the document says.
    public let content: Content
    /// What errors call the file.
    public let fileName: String
    /// The document's own text: the whole file where it holds no other.
    public let text: String
    /// Line of the file on which the document begins, counting from 1.
    public let line: Int
    /// Lines of the file before ``text``.
    private let linesBefore: Int

    /// The kinds that there are, in the order in which they are made: each may need those before it.
    public static let kinds = ["ThingType", "Thing", "Component", "Alias", "Group"]

    /// The document's kind, as it is written.
    public var kind: String {
        switch content {
        case .thingType: "ThingType"
        case .thing: "Thing"
        case .component: "Component"
        case .alias: "Alias"
        case .group: "Group"
        }
    }

    /// The name of what it describes; `COMPONENT@ALIAS` of an alias.
    public var name: String {
        switch content {
        case .thingType(let type): type.name
        case .thing(let thing): thing.name
        case .component(let manifest): manifest.recipe.name
        case .alias(let alias): "\(alias.component)@\(alias.name)"
        case .group(let manifest): manifest.definition.name
        }
    }

    /// What no two documents of one command may both describe: a component counts with its version.
    public var identity: String {
        guard case .component(let manifest) = content else { return "\(kind) \"\(name)\"" }
        return "\(kind) \"\(name)\" \(manifest.recipe.version.description.prefix { $0 != "+" })"
    }

    /// Reads a file of one or more documents, strictly: every unknown key, wrong type, repeated key and invalid value
    /// is an error.
    ///
    /// - Parameters:
    ///   - text: YAML or JSON.
    ///   - fileName: what errors call the file.
    /// - Returns: the documents in the order of the file, at least one.
    /// - Throws: ``ManifestErrors`` with every error of every document and its place in the file.
    public static func parseAll(
        _ text: String, fileName: String
    ) throws(ManifestErrors) -> [ManifestDocument] {
        let slices = ManifestSlices(text).slices
        if slices.count > ManifestLimits.documents {
            throw ManifestErrors([
                ManifestError(
                    fileName: fileName, line: slices[ManifestLimits.documents].linesBefore + 1, column: 1,
                    message: "the file has more than \(ManifestLimits.documents) documents; split it")
            ])
        }
        var documents: [ManifestDocument] = []
        var errors: [ManifestError] = []
        for slice in slices {
            do throws(ManifestErrors) {
                documents.append(try parse(slice, fileName: fileName))
            } catch {
                errors += error.errors.map { $0.moved(down: slice.linesBefore) }
            }
        }
        if !errors.isEmpty { throw ManifestErrors(errors) }
        return documents
    }

    private static func parse(
        _ slice: ManifestSlices.Slice, fileName: String
    ) throws(ManifestErrors) -> ManifestDocument {
        let (kind, root) = try kind(of: slice, fileName: fileName)
        var reader = ManifestReader(fileName: fileName)
        let content: Content?
        switch kind.value {
        case "Group": content = .group(try GroupManifest.parseOne(slice.text, fileName: fileName))
        case "Component": content = .component(try ComponentManifest.parse(slice.text, fileName: fileName))
        case "Alias":
            var decoder = AliasDecoder(reader: reader)
            content = decoder.alias(root).map(Content.alias)
            reader = decoder.reader
        case "Thing", "ThingType":
            var decoder = ThingDecoder(reader: reader)
            content =
                kind.value == "Thing"
                ? decoder.thing(root).map(Content.thing) : decoder.type(root).map(Content.thingType)
            reader = decoder.reader
        default:
            let near = Suggestion.nearest(to: kind.value, in: kinds)
            reader.report(
                kind.place,
                "the kind \"\(reader.shown(kind.value))\" is not known; "
                    + (near.map { "did you mean \($0)?" } ?? "known are \(kinds.joined(separator: ", "))"))
            content = nil
        }
        guard let content, reader.errors.isEmpty else { throw ManifestErrors(reader.errors) }
        return ManifestDocument(
            content: content, fileName: fileName, text: slice.text,
            line: slice.linesBefore + Place(root.mark).line, linesBefore: slice.linesBefore)
    }

    private static func kind(
        of slice: ManifestSlices.Slice, fileName: String
    ) throws(ManifestErrors) -> (kind: (value: String, place: Place), root: Node) {
        let documents = try YAMLDocuments(slice.text, fileName: fileName).documents
        var reader = ManifestReader(fileName: fileName)
        let root = documents[0].root
        guard case .mapping(let mapping) = root else {
            _ = reader.entries(root, what: "a manifest")
            throw ManifestErrors(reader.errors)
        }
        guard let value = mapping["kind"] else {
            reader.report(
                Place(root.mark),
                "the manifest lacks \"kind\"; write kind: and one of \(kinds.joined(separator: ", "))")
            throw ManifestErrors(reader.errors)
        }
        guard let kind = reader.text(value, what: "\"kind\"") else { throw ManifestErrors(reader.errors) }
        return ((kind, Place(value.mark)), root)
    }

    // MARK: Places

    /// What was found wrong with the document after it was read, each problem with its place in the file.
    public func locate(_ problems: [DefinitionProblem]) -> [ManifestError] {
        if case .group(let manifest) = content {
            return manifest.locate(problems).map { $0.moved(down: linesBefore) }
        }
        return problems.map {
            ManifestError(fileName: fileName, line: line, column: 1, message: "\($0.path) \($0.message)")
        }
    }

    /// An error about the document as a whole.
    public func error(_ message: String) -> ManifestError {
        ManifestError(fileName: fileName, line: line, column: 1, message: message)
    }

    /// An error at a place of ``text``, as the place in the file.
    public func error(line: Int, column: Int, _ message: String) -> ManifestError {
        ManifestError(fileName: fileName, line: line + linesBefore, column: column, message: message)
    }

    /// Everything that is described twice, with the places of both.
    public static func repeats(in documents: [ManifestDocument]) -> [ManifestError] {
        var first: [String: ManifestDocument] = [:]
        return documents.compactMap { document in
            guard let other = first[document.identity] else {
                first[document.identity] = document
                return nil
            }
            return document.error(
                "\(document.identity) is described at \(other.fileName):\(other.line) already; remove one")
        }
    }
}

extension ManifestError {
    /// The same error, so many lines further down in its file.
    fileprivate func moved(down lines: Int) -> ManifestError {
        ManifestError(fileName: fileName, line: line + lines, column: column, message: message)
    }
}
