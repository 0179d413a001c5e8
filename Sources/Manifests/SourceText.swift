/// The text of a manifest, for finding and showing places in it.
///
/// Lines end where YAML 1.1 ends them (section 4.1.4): at LF, CR, CR LF, NEL, LS and PS; columns count Unicode
/// scalars. Both are the YAML library's, so that its marks can be looked up.
struct SourceText {
    let scalars: [Unicode.Scalar]
    /// Index of the first scalar of each line.
    private let lineStarts: [Int]

    init(_ text: String) {
        var scalars = Array(text.unicodeScalars)
        if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
        var starts = [0]
        for (index, scalar) in scalars.enumerated() where Self.isBreak(scalar) {
            if scalar == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { continue }
            starts.append(index + 1)
        }
        self.scalars = scalars
        self.lineStarts = starts
    }

    static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }

    /// The index of a place; that of the end for a place beyond it.
    func index(of place: Place) -> Int {
        guard place.line >= 1, place.line <= lineStarts.count else { return scalars.count }
        return min(lineStarts[place.line - 1] + max(0, place.column - 1), scalars.count)
    }

    /// The place of an index.
    func place(of index: Int) -> Place {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= index { low = middle } else { high = middle }
        }
        return Place(line: low + 1, column: index - lineStarts[low] + 1)
    }

    /// The scalars of the line that an index is on, without its end.
    func line(at index: Int) -> Range<Int> {
        let start = lineStarts[place(of: index).line - 1]
        var end = start
        while end < scalars.count, !Self.isBreak(scalars[end]) { end += 1 }
        return start..<end
    }
}
