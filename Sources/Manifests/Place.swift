import Yams

/// A place in a manifest.
struct Place: Hashable {
    let line: Int
    let column: Int

    static let start = Place(line: 1, column: 1)

    init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    init(_ mark: Mark?) {
        self.init(line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    /// The place of a byte of a text.
    init(utf8Offset: Int, in text: String) {
        var line = 1
        var column = 1
        for scalar in text.utf8.prefix(utf8Offset) {
            if scalar == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if scalar & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.init(line: line, column: column)
    }
}
