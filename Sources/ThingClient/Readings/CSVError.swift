/// What is wrong with a recording, and where.
public struct CSVError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file.
    public let file: String
    /// The line where the record begins, counting from 1; 0 where it is about the file.
    public let line: Int
    /// What is wrong.
    public let problem: String

    /// `FILE:LINE: PROBLEM`.
    public var description: String { line == 0 ? "\(file): \(problem)" : "\(file):\(line): \(problem)" }
}
