/// An entry of a recipe's `platforms`: which platforms it is for, and what it brings there.
public struct PlatformEntry: Hashable, Sendable, Codable {
    /// The value that takes every value.
    public static let any = "*"
    /// Most entries of a recipe.
    public static let maximumEntries = 32

    /// What the platform has to have, by key. A key with the value `*`, and one that is not there, takes
    /// everything.
    public var values: [String: String]
    /// Files that the component has on such a platform, besides those that it has everywhere.
    public var artifacts: [ArtifactReference]

    /// Makes an entry.
    public init(values: [String: String] = [:], artifacts: [ArtifactReference] = []) {
        self.values = values
        self.artifacts = artifacts
    }

    /// Whether each of the entry's keys fits: it is `*`, or the platform has the key with the same value.
    public func matches(_ platform: Platform) -> Bool {
        values.allSatisfy { $0.value == Self.any || platform.values[$0.key] == $0.value }
    }
}

extension PlatformEntry: CustomStringConvertible {
    /// For people: `linux aarch64`; `any platform` where it asks for nothing.
    public var description: String {
        let asked = Platform(values: values.filter { $0.value != Self.any }).description
        return asked.isEmpty ? "any platform" : asked
    }
}
