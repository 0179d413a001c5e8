/// One bound of a range.
struct VersionComparator: Hashable, Sendable, CustomStringConvertible {
    enum Relation: String, Sendable {
        case less = "<"
        case lessOrEqual = "<="
        case equal = ""
        case greaterOrEqual = ">="
        case greater = ">"

        var isUpper: Bool { self == .less || self == .lessOrEqual }
        var isLower: Bool { self == .greater || self == .greaterOrEqual }
        var isInclusive: Bool { self != .less && self != .greater }
    }

    let relation: Relation
    let version: SemanticVersion

    init(_ relation: Relation, _ version: SemanticVersion) {
        self.relation = relation
        // Build metadata says nothing about precedence, so bounds do not have it.
        self.version = SemanticVersion(
            version.major, version.minor, version.patch, prerelease: version.prerelease)
    }

    /// The bound that nothing satisfies: there is no version below `0.0.0-0`.
    static let never = VersionComparator(.less, .lowest)

    var description: String { relation.rawValue + version.description }

    /// Whether a version satisfies the bound by precedence.
    func admits(_ version: SemanticVersion) -> Bool {
        switch relation {
        case .less: version.precedes(self.version)
        case .lessOrEqual: !self.version.precedes(version)
        case .equal: version.hasSamePrecedence(as: self.version)
        case .greaterOrEqual: !version.precedes(self.version)
        case .greater: self.version.precedes(version)
        }
    }

    /// Whether a version may satisfy both bounds.
    func intersects(_ other: VersionComparator, includesPrereleases: Bool) -> Bool {
        if isBelowEverything(includesPrereleases) || other.isBelowEverything(includesPrereleases) {
            return false
        }
        if relation == .equal { return other.admits(version) }
        if other.relation == .equal { return admits(other.version) }
        if relation.isUpper == other.relation.isUpper { return true }
        let (lower, upper) = relation.isLower ? (self, other) : (other, self)
        if lower.version.hasSamePrecedence(as: upper.version) {
            return lower.relation.isInclusive && upper.relation.isInclusive
        }
        return lower.version.precedes(upper.version)
    }

    /// Whether no version (no release, where pre-releases do not count) lies below the bound.
    private func isBelowEverything(_ includesPrereleases: Bool) -> Bool {
        guard relation == .less, version.isSameRelease(as: .lowest) else { return false }
        return includesPrereleases ? version.hasSamePrecedence(as: .lowest) : true
    }
}

extension SemanticVersion {
    /// `0.0.0-0`, the lowest version of all.
    static let lowest = SemanticVersion(0, 0, 0, prerelease: .lowest)
}

extension [SemanticVersion.Identifier] {
    /// `0`, the lowest pre-release of a version.
    static let lowest = ["0"].compactMap { SemanticVersion.Identifier($0) }
}
