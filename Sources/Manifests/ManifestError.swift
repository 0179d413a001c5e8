/// One error in a manifest, with its place.
public struct ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Name of the file, as the caller gave it.
    public let fileName: String
    /// Line, counting from 1.
    public let line: Int
    /// Column, counting Unicode scalars from 1.
    public let column: Int
    /// What is wrong and what to do.
    public let message: String

    /// `file:line:column: what, what to do`.
    public var description: String { "\(fileName):\(line):\(column): \(message)" }
}
