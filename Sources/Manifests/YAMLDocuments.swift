import Yams

/// Reads the documents of a YAML file (JSON is YAML) under limits that hold against hostile input.
struct YAMLDocuments {
    /// One document and where it begins.
    struct Document {
        let root: Node
        let place: Place
    }

    let documents: [Document]

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - text: YAML or JSON.
    ///   - fileName: what errors call the file.
    ///   - maximumBytes: most bytes of the text.
    ///   - what: what errors call what the file should hold, and how it begins.
    /// - Throws: ``ManifestErrors`` where it is too large, is not YAML, or uses what manifests do not allow
    ///   (anchors, aliases, nesting deeper than the limit).
    init(
        _ text: String, fileName: String, maximumBytes: Int = ManifestLimits.bytes,
        what: (name: String, kind: String) = ("a manifest", "kind: Group")
    ) throws(ManifestErrors) {
        func refuse(_ place: Place, _ message: String) -> ManifestErrors {
            ManifestErrors([
                ManifestError(fileName: fileName, line: place.line, column: place.column, message: message)
            ])
        }
        if text.utf8.count > maximumBytes {
            let limit = maximumBytes >= 1 << 20 ? "\(maximumBytes >> 20) MiB" : "\(maximumBytes >> 10) KiB"
            throw refuse(
                .start,
                "the file has \(text.utf8.count) bytes; \(what.name) has at most \(maximumBytes) (\(limit))")
        }
        // A byte order mark is no part of the text; the YAML library would count it as a column.
        var text = text
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        if let place = Self.firstAlias(in: text) {
            throw refuse(place, "anchors and aliases (&name, *name) are not allowed; write the value again")
        }
        do {
            documents = try Self.read(text)
        } catch let error as YamlError {
            let (place, message) = Self.explain(error, in: text)
            throw refuse(place, message)
        } catch {
            throw refuse(.start, "the file cannot be read as YAML: \(error)")
        }
        if documents.isEmpty {
            throw refuse(.start, "the file is empty; write \(what.name), such as \(what.kind)")
        }
        if documents.count > ManifestLimits.documents {
            throw refuse(
                documents[ManifestLimits.documents].place,
                "the file has more than \(ManifestLimits.documents) documents; split it")
        }
        for document in documents {
            if let (place, message) = Self.forbidden(in: document.root, depth: 1) {
                throw refuse(place, message)
            }
        }
    }

    private static func read(_ text: String) throws -> [Document] {
        var documents: [Document] = []
        let parser = try Parser(yaml: text)
        // One more than allowed, so that the caller sees that there are too many.
        while documents.count <= ManifestLimits.documents, let root = try parser.nextRoot() {
            // An empty document (`---` at the end of a file) is a null that nobody wrote.
            if case .scalar(let scalar) = root, scalar.string.isEmpty, scalar.style == .plain { continue }
            documents.append(Document(root: root, place: Place(root.mark)))
        }
        return documents
    }

    // MARK: What is not allowed

    /// The place of the first alias whose anchor is in the text too.
    ///
    /// It looks at the bytes, before the YAML library does: the library replaces aliases while it reads, so a
    /// short text with aliases of aliases costs it time without bound. Every alias `*name` needs its anchor
    /// `&name`, so a text without such a pair of names has none. No anchor follows another `&` (the expression
    /// `a&&b`). A pair inside comments or quotes is refused needlessly, which nobody will meet.
    private static func firstAlias(in text: String) -> Place? {
        func names(after mark: UInt8) -> [(name: Substring.UTF8View, offset: Int)] {
            var found: [(Substring.UTF8View, Int)] = []
            var offset = 0
            var before: UInt8 = 0
            for index in text.utf8.indices {
                let byte = text.utf8[index]
                defer {
                    offset += 1
                    before = byte
                }
                guard byte == mark, before != UInt8(ascii: "&") else { continue }
                let name = text.utf8[text.utf8.index(after: index)...].prefix(while: isAnchorByte)
                if !name.isEmpty { found.append((name, offset)) }
            }
            return found
        }
        let anchors = Set(names(after: UInt8(ascii: "&")).map { String($0.name) ?? "" })
        if anchors.isEmpty { return nil }
        let alias = names(after: UInt8(ascii: "*")).first { anchors.contains(String($0.name) ?? "") }
        return alias.map { Place(utf8Offset: $0.offset, in: text) }
    }

    private static func isAnchorByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func forbidden(in node: Node, depth: Int) -> (Place, String)? {
        if depth > ManifestLimits.depth {
            return (Place(node.mark), "the nesting is too deep; at most \(ManifestLimits.depth) levels")
        }
        switch node {
        case .scalar: return nil
        case .alias: return (Place(node.mark), "aliases are not allowed; write the value again")
        case .sequence(let sequence):
            for element in sequence {
                if let found = forbidden(in: element, depth: depth + 1) { return found }
            }
        case .mapping(let mapping):
            for (key, value) in mapping {
                if let found = forbidden(in: key, depth: depth + 1) { return found }
                if let found = forbidden(in: value, depth: depth + 1) { return found }
            }
        }
        return nil
    }

    // MARK: Errors of the library

    private static func explain(_ error: YamlError, in text: String) -> (Place, String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if problem.contains("level") && problem.contains("exceed") || problem.contains("nesting") {
                return (Place(mark), "the nesting is too deep; at most \(ManifestLimits.depth) levels")
            }
            let began = context.map { " (\($0.text) that began at \($0.mark.line):\($0.mark.column))" } ?? ""
            // A text that begins with a sign of YAML's own: `*`, `>=1.2`, `@live`.
            let isSign =
                problem.contains("cannot start any token")
                || problem.contains("alphabetic or numeric character")
            let advice =
                isSign
                ? "put a text that begins with this character in quotes"
                : "check indentation, quotes and brackets"
            return (Place(mark), "this is not YAML: \(problem)\(began); \(advice)")
        case .reader(let problem, let offset, _, _):
            let index = offset.flatMap { text.index(text.startIndex, offsetBy: $0, limitedBy: text.endIndex) }
            let bytes = index.map { text.utf8.distance(from: text.utf8.startIndex, to: $0) } ?? 0
            return (
                Place(utf8Offset: bytes, in: text),
                "this character is not allowed in YAML (\(problem)); remove it or write it as an escape"
            )
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            return (Place(context.mark), "the key \(keys) is there twice; remove one")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return (.start, "the file cannot be read as YAML: \(error)")
        }
    }
}
