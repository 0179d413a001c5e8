/// Why the host could not answer, for people: one sentence that names what failed.
public struct HostFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sentence: `the CPU temperature cannot be read from /sys/…: No such file or directory`.
    public let description: String

    /// Makes a failure.
    public init(_ description: String) { self.description = description }
}
