/// The documents of a file as texts: YAML's marker `---` at the start of a line separates them, wherever it stands.
struct ManifestSlices {
    struct Slice: Equatable {
        /// The document's text, without the marker's line where nothing else is on it.
        let text: String
        /// Lines of the file before it.
        let linesBefore: Int
    }

    /// One a document that says something; a file of one document is one slice, exactly as it is.
    let slices: [Slice]

    init(_ text: String) {
        var slices: [Slice] = []
        var lines: [Substring] = []
        var first = 0
        func close() {
            if lines.contains(where: Self.says) {
                slices.append(Slice(text: lines.joined(), linesBefore: first))
            }
        }
        for (number, line) in Self.lines(of: text).enumerated() {
            if let rest = Self.markerRest(line) {
                close()
                lines = []
                first = number + 1
                // `--- {kind: Group}` is part of its document.
                if Self.says(rest) {
                    lines.append(line)
                    first = number
                }
                continue
            }
            lines.append(line)
        }
        close()
        self.slices = slices.count > 1 ? slices : [Slice(text: text, linesBefore: 0)]
    }

    /// The lines with their ends.
    private static func lines(of text: String) -> [Substring] {
        var lines: [Substring] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            // "\r\n" is one character.
            let end = rest.firstIndex { $0 == "\n" || $0 == "\r\n" }.map(rest.index(after:)) ?? rest.endIndex
            lines.append(rest[..<end])
            rest = rest[end...]
        }
        return lines
    }

    /// What follows a marker on its line; nil where the line is none.
    private static func markerRest(_ line: Substring) -> Substring? {
        guard line.hasPrefix("---") else { return nil }
        let rest = line.dropFirst(3)
        return rest.first.map(\.isWhitespace) ?? true ? rest : nil
    }

    /// Whether a line is more than space, a comment, or a directive or marker of YAML's own.
    private static func says(_ line: Substring) -> Bool {
        guard let first = line.first(where: { !$0.isWhitespace && $0 != "\u{FEFF}" }) else { return false }
        return first != "#" && !line.hasPrefix("%") && !line.hasPrefix("...")
    }
}
