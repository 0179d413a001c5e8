/// A place in a text as people count it: lines and columns from 1, columns in characters (not bytes).
public struct SourcePosition: Hashable, Sendable {
    /// The line, from 1. `\n`, `\r` and `\r\n` end a line.
    public let line: Int
    /// The column, from 1, in characters as a person sees them.
    public let column: Int

    /// Makes a position.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The position of a UTF-8 offset in a source. An offset after the end counts as the end; one within a
    /// character counts as that character.
    public init(offset: Int, in source: String) {
        var line = 1
        var column = 1
        var seen = 0
        for character in source {
            let next = seen + character.utf8.count
            if next > offset { break }
            seen = next
            if character.isNewline {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
        self.line = line
        self.column = column
    }
}
