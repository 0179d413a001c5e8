import Yams

/// Puts what files on disk are into the texts of recipes, for development: there a file is saved often, and its digest in
/// the recipe only matters when the recipe goes to a cloud.
public enum ArtifactContents {
    /// What a file is.
    public struct Content: Hashable, Sendable {
        /// Its SHA-256 in hexadecimal.
        public let digest: String
        /// Its bytes.
        public let size: Int64

        /// Makes one.
        public init(digest: String, size: Int64) {
            self.digest = digest
            self.size = size
        }
    }

    /// The text with `sha256` and `size` of every artifact that is known replaced, and nothing else: comments, order and
    /// lines stay.
    ///
    /// - Parameters:
    ///   - text: a file of one or more documents that was read without an error.
    ///   - contents: what the files are, by name.
    public static func replacing(in text: String, with contents: [String: Content]) -> String {
        guard !contents.isEmpty, let documents = try? YAMLDocuments(text, fileName: "").documents else {
            return text
        }
        let source = SourceText(text)
        var changes: [(range: Range<Int>, text: String)] = []
        for artifact in documents.flatMap({ artifacts(of: $0.root) }) {
            guard case .scalar(let name)? = artifact["name"], let content = contents[name.string] else {
                continue
            }
            for (key, value) in [("sha256", content.digest), ("size", "\(content.size)")] {
                guard case .scalar(let scalar)? = artifact[key],
                    let range = ScalarPlaces(of: scalar, in: source)?.range(of: 0..<scalar.string.utf8.count)
                else { continue }
                changes.append((range, value))
            }
        }
        var scalars = source.scalars
        for change in changes.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
            scalars.replaceSubrange(change.range, with: Array(change.text.unicodeScalars))
        }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars)
        return String(result)
    }

    /// The artifacts that a document names, those of its platforms too.
    private static func artifacts(of root: Node) -> [Node.Mapping] {
        guard case .mapping(let document) = root else { return [] }
        var lists = [document["artifacts"]]
        if case .sequence(let platforms)? = document["platforms"] {
            for case .mapping(let platform) in platforms { lists.append(platform["artifacts"]) }
        }
        return lists.flatMap { list -> [Node.Mapping] in
            guard case .sequence(let nodes)? = list else { return [] }
            return nodes.compactMap { if case .mapping(let mapping) = $0 { mapping } else { nil } }
        }
    }
}
