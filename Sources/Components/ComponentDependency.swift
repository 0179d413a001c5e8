/// A component that another one needs beside it.
public struct ComponentDependency: Hashable, Sendable, Codable {
    /// How close the two are.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// The dependent restarts when what it depends on changes.
        case hard
        /// It does not; only the version is bound.
        case soft
    }

    /// Most dependencies of a recipe.
    public static let maximumCount = 64

    /// Name of the component that is needed.
    public var component: String
    /// Which of its versions will do.
    public var version: VersionRange
    /// How close the two are.
    public var kind: Kind

    /// Makes a dependency.
    public init(component: String, version: VersionRange, kind: Kind = .hard) {
        self.component = component
        self.version = version
        self.kind = kind
    }
}
