/// A line of a manifest and, under it, a caret where something is wrong:
///
///         - set: {temperature: '2.0 * reading.temprature'}
///                                            ^~~~~~~~~~
struct SourceExcerpt {
    /// The two lines.
    let lines: [String]

    /// How far both lines are moved in.
    private static let indentation = "    "
    /// Most columns that are shown of a line, and how many of them before the place.
    private static let mostColumns = 100
    private static let columnsBefore = 60

    /// - Parameter range: indices of the scalars that are wrong; only what is on the line of the first is
    ///   marked.
    init(of range: Range<Int>, in source: SourceText) {
        let line = source.line(at: min(range.lowerBound, source.scalars.count))
        let start = min(range.lowerBound, line.upperBound)
        let end = max(start, min(range.upperBound, line.upperBound))
        // A line may be as long as the file: around the place, enough is shown to find it.
        var shown = line
        var before = ""
        if start - line.lowerBound > Self.columnsBefore, line.count > Self.mostColumns {
            shown = start - Self.columnsBefore..<line.upperBound
            before = "…"
        }
        var after = ""
        if shown.count > Self.mostColumns {
            shown = shown.lowerBound..<shown.lowerBound + Self.mostColumns
            after = "…"
        }
        var text = Self.indentation + before
        var marks = Self.indentation + (before.isEmpty ? "" : " ")
        for index in shown {
            let scalar = source.scalars[index]
            text.unicodeScalars.append(Self.printable(scalar))
            if index < start {
                marks += Self.blank(as: scalar)
            } else if index == start {
                marks += "^" + String(repeating: "~", count: max(0, Self.width(of: scalar) - 1))
            } else if index < end {
                marks += String(repeating: "~", count: Self.width(of: scalar))
            }
        }
        if start >= shown.upperBound { marks += "^" }
        lines = [text + after, marks]
    }

    /// A scalar as it is, or what stands for one that would steer a terminal.
    private static func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.properties.generalCategory {
        case _ where scalar == "\t": "\t"
        case .control, .lineSeparator, .paragraphSeparator, .format, .privateUse, .surrogate: "\u{FFFD}"
        default: scalar
        }
    }

    /// What is as wide as a scalar and cannot be seen.
    private static func blank(as scalar: Unicode.Scalar) -> String {
        scalar == "\t" ? "\t" : String(repeating: " ", count: width(of: scalar))
    }

    /// Columns of a terminal that a scalar takes: none for what joins the one before, two for the scripts and
    /// pictures that are wide (Unicode Standard Annex 11).
    private static func width(of scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
