/// A key of the core's platform that cannot be read.
public struct InvalidPlatformKey: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which, and what to do.
    public let description: String
}
