/// One error in a manifest, with its place.
public struct ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Name of the file, as the caller gave it.
    public let fileName: String
    /// Line, counting from 1.
    public let line: Int
    /// Column, counting Unicode scalars from 1.
    public let column: Int
    /// What is wrong and what to do. For an error in an expression, two more lines follow: the line of the
    /// file, and a caret under the place.
    public let message: String

    /// ``description`` line by line, for what puts something before each: carets stay where they belong.
    public var lines: [String] {
        description.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// `file:line:column: what, what to do`.
    public var description: String { "\(fileName):\(line):\(column): \(message)" }
}
