/// Columns for people.
struct Table {
    /// A cell and its colour.
    struct Cell: ExpressibleByStringInterpolation {
        var text: String
        var style: Style

        init(_ text: String, style: Style = .plain) {
            self.text = text
            self.style = style
        }

        init(stringLiteral value: String) {
            self.init(value)
        }
    }

    let header: [String]
    private(set) var rows: [[Cell]] = []
    /// What stands in the place of an empty cell.
    static let nothing = "-"

    init(_ header: [String]) {
        self.header = header
    }

    mutating func add(_ cells: [Cell]) {
        rows.append(cells)
    }

    /// The lines, header first. The last column is not padded. Characters that would steer the terminal or
    /// begin a new line are made visible.
    func render(coloured: Bool) -> String {
        let shown = rows.map { row in
            row.map { Cell($0.text.isEmpty ? Self.nothing : Text.printable($0.text), style: $0.style) }
        }
        let widths = header.indices.map { column in
            max(header[column].count, shown.map { $0[column].text.count }.max() ?? 0)
        }
        let lines = [header.map { Cell($0, style: .faint) }] + shown
        return lines.map { row in
            row.enumerated().map { column, cell in
                let padding = column == row.count - 1 ? 0 : widths[column] - cell.text.count + 2
                let text = coloured ? cell.style.apply(to: cell.text) : cell.text
                return text + String(repeating: " ", count: padding)
            }.joined() + "\n"
        }.joined()
    }
}

/// The colour of a text on a terminal.
enum Style: Equatable {
    case plain, faint, good, bad, busy

    func apply(to text: String) -> String {
        switch self {
        case .plain: text
        case .faint: "\u{1B}[2m\(text)\u{1B}[0m"
        case .good: "\u{1B}[32m\(text)\u{1B}[0m"
        case .bad: "\u{1B}[31m\(text)\u{1B}[0m"
        case .busy: "\u{1B}[33m\(text)\u{1B}[0m"
        }
    }
}

/// Texts from elsewhere, made fit to be shown.
enum Text {
    /// The text with control characters made visible: what a thing publishes must not steer the terminal.
    static func printable(_ text: String) -> String {
        func isControl(_ scalar: Unicode.Scalar) -> Bool {
            scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                || (0x202A...0x202E).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value) || scalar.value == 0x2028
                || scalar.value == 0x2029
        }
        if !text.unicodeScalars.contains(where: isControl) { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isControl(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `1 message`, `2 messages`.
    static func count(_ number: some BinaryInteger, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
