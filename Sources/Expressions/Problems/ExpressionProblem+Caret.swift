extension ExpressionProblem {
    /// The line of the source in question, and below it a line of carets under the span.
    ///
    /// Two lines, each without a newline at its end. Tabs and other control characters become spaces; wide
    /// characters (East Asian, emoji) count two columns. A line of more than `width` columns is cut around the
    /// span, with `…` where something is left out. A span over several lines is marked to the end of its first.
    ///
    /// - Parameters:
    ///   - source: The expression that the problem is about.
    ///   - width: The most columns, at least 20. Default 100.
    public func caret(in source: String, width: Int = 100) -> String {
        let width = max(width, 20)
        let line = Self.line(around: span.start, in: source)
        var cells: [(text: String, columns: Int)] = []
        var first: Int?
        var last = 0
        var offset = line.offset
        for character in line.text {
            if offset < span.end || offset == span.start, offset + character.utf8.count > span.start {
                if first == nil { first = cells.count }
                last = cells.count
            }
            offset += character.utf8.count
            cells.append(Self.cell(character))
        }
        // A place after the last character of the line.
        let start = first ?? cells.count
        let end = first == nil ? start : last
        let window = Self.window(cells.map(\.columns), start, end, width)
        var text = ""
        var marks = ""
        if window.lowerBound > 0 {
            text += "…"
            marks += " "
        }
        for index in window {
            text += cells[index].text
            let mark = index >= start && index <= end ? "^" : " "
            marks += String(repeating: mark, count: cells[index].columns)
        }
        if start == cells.count { marks += "^" }
        if window.upperBound < cells.count { text += "…" }
        while marks.hasSuffix(" ") { marks.removeLast() }
        return text + "\n" + marks
    }

    /// The line that holds an offset, and the offset of its first byte.
    private static func line(around offset: Int, in source: String) -> (text: Substring, offset: Int) {
        var start = source.startIndex
        var startOffset = 0
        var seen = 0
        for index in source.indices {
            let size = source[index].utf8.count
            if source[index].isNewline {
                if seen >= offset { return (source[start..<index], startOffset) }
                start = source.index(after: index)
                startOffset = seen + size
            }
            seen += size
        }
        return (source[start...], startOffset)
    }

    /// How a character is shown, and how many columns that takes.
    private static func cell(_ character: Character) -> (text: String, columns: Int) {
        guard let scalar = character.unicodeScalars.first else { return ("", 0) }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return (" ", 1)
        case .nonspacingMark, .enclosingMark: return (String(character), 0)
        default: return (String(character), isWide(scalar) ? 2 : 1)
        }
    }

    /// Whether a scalar takes two columns of a terminal: the wide blocks of Unicode's East Asian Width, and
    /// emoji.
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xA000...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x1FA70...0x1FAFF,
            0x20000...0x3FFFD:
            true
        default: scalar.properties.isEmojiPresentation
        }
    }

    /// The cells to show: all that fit, else some before the span and as many after its start as fit.
    private static func window(_ columns: [Int], _ start: Int, _ end: Int, _ width: Int) -> Range<Int> {
        if columns.reduce(0, +) <= width { return 0..<columns.count }
        // Two columns are for the marks of omission; a third of the rest shows what comes before.
        let available = width - 2
        var lower = min(start, columns.count)
        var used = 0
        while lower > 0, used + columns[lower - 1] <= available / 3 {
            lower -= 1
            used += columns[lower]
        }
        var upper = min(start, columns.count)
        while upper < columns.count, used + columns[upper] <= available {
            used += columns[upper]
            upper += 1
        }
        // At the end of the line, what is left goes to the beginning.
        while upper == columns.count, lower > 0, used + columns[lower - 1] <= available {
            lower -= 1
            used += columns[lower]
        }
        return lower..<upper
    }
}
