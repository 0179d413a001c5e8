import Yams

/// Where, in the file, the characters of a YAML scalar's value come from.
///
/// The YAML library says where a scalar begins, not where its parts are: quotes, escapes, folded lines and
/// indentation lie between. This reads the scalar once more and keeps the way back. It never guesses: where
/// what it reads is not what the library has read, there is no answer.
struct ScalarPlaces {
    /// The index in the source of each UTF-8 byte of the value, and of its end.
    private var indices: [Int] = []

    /// - Returns: nil where the scalar has no place, or is written in a way that this does not know.
    init?(of scalar: Node.Scalar, in source: SourceText) {
        guard let mark = scalar.mark else { return nil }
        var reader = ScalarReader(
            source: source.scalars, position: source.index(of: Place(mark)),
            value: Array(scalar.string.unicodeScalars))
        reader.skipProperties()
        let isRead =
            switch scalar.style {
            case .literal: reader.readLiteral()
            case .folded: reader.readFolded()
            case .singleQuoted: reader.readFlow(quote: "'")
            case .doubleQuoted: reader.readFlow(quote: "\"")
            case .plain, .any: reader.readFlow(quote: nil)
            }
        guard isRead else { return nil }
        for (scalar, index) in zip(scalar.string.unicodeScalars, reader.places) {
            for _ in 0..<UTF8.width(scalar) { indices.append(index) }
        }
        indices.append(reader.position)
    }

    /// The scalars of the source that a part of the value, in UTF-8 offsets, comes from.
    func range(of span: Range<Int>) -> Range<Int> {
        let last = indices.count - 1
        let start = indices[max(0, min(span.lowerBound, last))]
        return start..<max(start, indices[max(0, min(span.upperBound, last))])
    }
}

/// Reads a scalar whose value is known, and notes where each part of it is.
private struct ScalarReader {
    let source: [Unicode.Scalar]
    /// Next scalar of the source.
    var position: Int
    let value: [Unicode.Scalar]
    /// Places of the value's scalars so far.
    var places: [Int] = []

    private var current: Unicode.Scalar? { position < source.count ? source[position] : nil }

    private func isBlank(_ index: Int) -> Bool {
        index < source.count && (source[index] == " " || source[index] == "\t")
    }

    private func isBreak(_ index: Int) -> Bool {
        index < source.count && SourceText.isBreak(source[index])
    }

    /// A tag before the scalar (`!!str`).
    mutating func skipProperties() {
        while let first = current, first == "!" || first == "&" {
            while let scalar = current, scalar != " ", !SourceText.isBreak(scalar) { position += 1 }
            while isBlank(position) || isBreak(position) { position += 1 }
        }
    }

    /// Notes the next scalar of the value; false where it is another one.
    private mutating func note(_ scalar: Unicode.Scalar, at index: Int) -> Bool {
        guard places.count < value.count, value[places.count] == scalar else { return false }
        places.append(index)
        return true
    }

    /// Goes beyond a line break, CR LF being one.
    private mutating func skipBreak() {
        position += current == "\r" && position + 1 < source.count && source[position + 1] == "\n" ? 2 : 1
    }

    // MARK: Flow scalars

    /// Plain and quoted scalars: line breaks are folded, with the blanks around them.
    mutating func readFlow(quote: Unicode.Scalar?) -> Bool {
        if let quote {
            guard current == quote else { return false }
            position += 1
        }
        while places.count < value.count {
            guard let scalar = current else { return false }
            if beginsBreak(position) {
                guard readFold() else { return false }
            } else if quote == "'", scalar == "'" {
                guard position + 1 < source.count, source[position + 1] == "'", note("'", at: position) else {
                    return false
                }
                position += 2
            } else if quote == "\"", scalar == "\\" {
                guard readEscape() else { return false }
            } else {
                guard note(scalar, at: position) else { return false }
                position += 1
            }
        }
        return true
    }

    /// Whether there are only blanks before the next line break.
    private func beginsBreak(_ index: Int) -> Bool {
        var index = index
        while isBlank(index) { index += 1 }
        return isBreak(index)
    }

    /// Line breaks with the blanks around them: one is a space, more are one newline less.
    private mutating func readFold() -> Bool {
        let start = position
        guard let breaks = skipBreaks() else { return false }
        if breaks == 1 { return note(" ", at: start) }
        for _ in 1..<breaks where !note("\n", at: start) { return false }
        return true
    }

    /// The number of line breaks skipped with the blanks around them.
    private mutating func skipBreaks() -> Int? {
        var breaks = 0
        while isBlank(position) || isBreak(position) {
            if isBreak(position) {
                breaks += 1
                skipBreak()
            } else {
                position += 1
            }
        }
        return breaks > 0 ? breaks : nil
    }

    private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
        "0": "\0", "a": "\u{7}", "b": "\u{8}", "t": "\t", "\t": "\t", "n": "\n", "v": "\u{B}", "f": "\u{C}",
        "r": "\r", "e": "\u{1B}", " ": " ", "\"": "\"", "/": "/", "\\": "\\", "N": "\u{85}", "_": "\u{A0}",
        "L": "\u{2028}", "P": "\u{2029}",
    ]

    private mutating func readEscape() -> Bool {
        let start = position
        position += 1
        guard let kind = current else { return false }
        if SourceText.isBreak(kind) {
            // An escaped line break is nothing; empty lines after it are newlines.
            guard let breaks = skipBreaks() else { return false }
            for _ in 1..<max(1, breaks) where !note("\n", at: start) { return false }
            return true
        }
        position += 1
        if let scalar = Self.escapes[kind] { return note(scalar, at: start) }
        guard let length = ["x": 2, "u": 4, "U": 8][kind], position + length <= source.count else {
            return false
        }
        var digits = ""
        digits.unicodeScalars.append(contentsOf: source[position..<position + length])
        guard let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) else { return false }
        position += length
        return note(scalar, at: start)
    }

    // MARK: Block scalars

    /// The line with the indicator, and its comment.
    private mutating func skipHeader(_ indicator: Unicode.Scalar) -> Bool {
        guard current == indicator else { return false }
        while let scalar = current, !SourceText.isBreak(scalar) { position += 1 }
        if current != nil { skipBreak() }
        return true
    }

    /// The end of the line that the position is on.
    private var lineEnd: Int {
        var end = position
        while end < source.count, !isBreak(end) { end += 1 }
        return end
    }

    /// `|`: each line of the value is the end of a line of the source.
    mutating func readLiteral() -> Bool {
        guard skipHeader("|") else { return false }
        while places.count < value.count {
            let end = lineEnd
            let length = value[places.count...].prefix { $0 != "\n" }.count
            guard length <= end - position else { return false }
            let start = end - length
            guard source[position..<start].allSatisfy({ $0 == " " }) else { return false }
            for index in start..<end where !note(source[index], at: index) { return false }
            position = end
            if places.count < value.count {
                guard note("\n", at: end), current != nil || places.count == value.count else { return false }
                if current != nil, places.count < value.count { skipBreak() }
            }
        }
        return true
    }

    /// `>`: lines are folded, unless they are moved in further.
    mutating func readFolded() -> Bool {
        guard skipHeader(">") else { return false }
        var indentation: Int?
        while places.count < value.count {
            if current == nil { return false }
            if isBreak(position) {
                let start = position
                if value[places.count] == " " {
                    guard note(" ", at: start) else { return false }
                } else if value[places.count] == "\n" {
                    guard note("\n", at: start) else { return false }
                } else if indentation == nil {
                    return false
                }
                if places.count < value.count { skipBreak() }
                continue
            }
            let isLineStart = position == 0 || isBreak(position - 1)
            if isLineStart {
                var spaces = 0
                while position + spaces < source.count, source[position + spaces] == " " { spaces += 1 }
                if isBreak(position + spaces) {
                    position += spaces
                    continue
                }
                let known = indentation ?? spaces
                indentation = known
                guard spaces >= known else { return false }
                position += known
            }
            guard let scalar = current, note(scalar, at: position) else { return false }
            position += 1
        }
        return true
    }
}
