/// Which versions are wanted, in npm's syntax: `1.2.0`, `^1.2`, `~1.2.3`, `1.x`, `1.2 - 2.3`, `>=1.2 <3`,
/// `^1 || ^2`, `*`.
///
/// A range is a list of alternatives (`||`), each a list of comparators that a version has to satisfy all. A
/// pre-release lies in a range only where a comparator of the alternative names a pre-release of the same
/// major, minor and patch number (semantics, section 5), so that nobody gets one without asking for it.
///
/// Two ranges are equal where their texts are; ``canonical`` writes ranges of the same comparators alike.
public struct VersionRange: Hashable, Sendable {
    /// Limits of a range.
    public enum Limits {
        /// Most bytes of a range's text.
        public static let bytes = 1_024
        /// Most alternatives.
        public static let alternatives = 64
        /// Most comparators of an alternative.
        public static let comparators = 64
    }

    /// When a range takes pre-releases.
    public enum PrereleasePolicy: Hashable, Sendable {
        /// Where a comparator names a pre-release of the same three numbers.
        case whereNamed
        /// Always, by precedence alone; `^1.0` then begins at `1.0.0-0`.
        case always
    }

    /// The range as written.
    public let description: String
    let policy: PrereleasePolicy
    /// The alternatives, at least one; an empty one takes every version.
    let alternatives: [[VersionComparator]]

    /// Reads a range; a text without anything but spaces is `*`.
    ///
    /// - Parameter prereleases: when it takes pre-releases; where it names them by default.
    /// - Throws: ``InvalidVersionRange`` that says what is wrong.
    public init(
        parsing text: String, prereleases policy: PrereleasePolicy = .whereNamed
    ) throws(InvalidVersionRange) {
        let parser = VersionRangeParser(text: text, policy: policy)
        self.description = text
        self.policy = policy
        self.alternatives = try parser.parse()
    }

    /// The range that takes one version only.
    public init(exactly version: SemanticVersion) {
        self.description = version.description
        self.policy = .whereNamed
        self.alternatives = [[VersionComparator(.equal, version)]]
    }

    /// Every version that is no pre-release: `*`.
    public static let any = VersionRange(any: ())

    private init(any: Void) {
        self.description = "*"
        self.policy = .whereNamed
        self.alternatives = [[]]
    }

    private init(canonical other: VersionRange) {
        self.description = other.normalized
        self.policy = other.policy
        self.alternatives = other.alternatives
    }

    // MARK: Asking

    /// Whether a version lies in the range. Build metadata does not count.
    public func contains(_ version: SemanticVersion) -> Bool {
        alternatives.contains { comparators in
            guard comparators.allSatisfy({ $0.admits(version) }) else { return false }
            return !version.isPrerelease || policy == .always
                || comparators.contains {
                    $0.version.isPrerelease && $0.version.isSameRelease(as: version)
                }
        }
    }

    /// The one version that the range names; nil where it is a range of several.
    public var exactVersion: SemanticVersion? {
        guard alternatives.count == 1, alternatives[0].count == 1, alternatives[0][0].relation == .equal
        else {
            return nil
        }
        return alternatives[0][0].version
    }

    /// The highest of the versions that lie in the range; nil where none does.
    public func maxSatisfying(_ versions: some Sequence<SemanticVersion>) -> SemanticVersion? {
        versions.lazy.filter(contains).max()
    }

    /// The lowest of the versions that lie in the range; nil where none does.
    public func minSatisfying(_ versions: some Sequence<SemanticVersion>) -> SemanticVersion? {
        versions.lazy.filter(contains).min()
    }

    /// Whether a version may lie in both, as npm decides it: by the bounds alone. So it is never false where
    /// a version lies in both, and may be true where only pre-releases lie between the bounds.
    public func intersects(_ other: VersionRange) -> Bool {
        let includesPrereleases = policy == .always || other.policy == .always
        func areCompatible(_ first: [VersionComparator], _ second: [VersionComparator]) -> Bool {
            first.allSatisfy { one in
                second.allSatisfy { one.intersects($0, includesPrereleases: includesPrereleases) }
            }
        }
        return alternatives.contains { own in
            areCompatible(own, own)
                && other.alternatives.contains { areCompatible($0, $0) && areCompatible(own, $0) }
        }
    }

    // MARK: Spelling

    /// The same range in one spelling, for comparing: `^1.2` is `>=1.2.0 <2.0.0-0`. It may be longer than what
    /// ``init(parsing:prereleases:)`` takes.
    public var canonical: VersionRange { VersionRange(canonical: self) }

    /// The comparators as text, as npm prints a range; `*` where it takes every version.
    var normalized: String {
        alternatives.map { $0.isEmpty ? "*" : $0.map(\.description).joined(separator: " ") }
            .joined(separator: "||")
    }
}

extension VersionRange: CustomStringConvertible {}

extension VersionRange: Codable {
    /// Reads the text form. Pre-releases are taken where it names them.
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
