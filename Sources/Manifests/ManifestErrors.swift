/// Everything that is wrong with a manifest.
public struct ManifestErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// The errors in the order of their places; at least one, at most 200.
    public let errors: [ManifestError]

    init(_ errors: [ManifestError]) {
        self.errors = Array(
            errors.sorted { ($0.line, $0.column) < ($1.line, $1.column) }.prefix(ManifestLimits.errors))
    }

    /// One error a line.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
