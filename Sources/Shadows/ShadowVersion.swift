/// A version of a shadow on one side: versions count within a creation.
public struct ShadowVersion: Hashable, Sendable, CustomStringConvertible {
    /// The creation.
    public let incarnation: ShadowIncarnation
    /// The number.
    public let version: UInt64

    /// Makes a version.
    public init(incarnation: ShadowIncarnation, version: UInt64) {
        self.incarnation = incarnation
        self.version = version
    }

    /// The number, and the creation after a colon.
    public var description: String { "\(version):\(incarnation)" }
}
