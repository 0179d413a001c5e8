/// A version by semver 2.0.0: `1.2.3`, `2.0.0-beta.1`, `1.0.0+build.7`.
///
/// Two versions are equal where their texts are. `<` is semver's precedence (section 11), and, so that a list
/// of versions has one order only, compares build metadata where precedence leaves a tie. Whether two versions
/// have the same precedence is ``hasSamePrecedence(as:)``; ranges ask only for that.
public struct SemanticVersion: Hashable, Sendable {
    /// Most bytes of a version's text: 256, as in npm.
    public static let maximumBytes = 256
    /// Largest major, minor and patch number: 2^53 - 1, as in npm, so that every JSON reader can hold it.
    public static let maximumNumber: UInt64 = 9_007_199_254_740_991

    /// One of the parts, between dots, of a pre-release.
    ///
    /// Numbers come before texts and are compared as numbers of any size, texts by their bytes (semver,
    /// section 11.4).
    public struct Identifier: Hashable, Comparable, Sendable, CustomStringConvertible {
        /// The part as written: ASCII letters, digits and `-`; a number has no leading zero.
        public let description: String

        /// Whether it has digits only.
        public let isNumeric: Bool

        /// Checks a part. Nil where it is empty, has another character or is a number with a leading zero.
        public init?(_ text: some StringProtocol) {
            guard VersionText.isIdentifier(text) else { return nil }
            let isNumeric = text.utf8.allSatisfy(VersionText.isDigit)
            if isNumeric, text.utf8.count > 1, text.utf8.first == UInt8(ascii: "0") { return nil }
            self.description = String(text)
            self.isNumeric = isNumeric
        }

        /// Whether the first comes before the second.
        public static func < (first: Identifier, second: Identifier) -> Bool {
            switch (first.isNumeric, second.isNumeric) {
            case (true, false): true
            case (false, true): false
            case (true, true) where first.description.utf8.count != second.description.utf8.count:
                first.description.utf8.count < second.description.utf8.count
            default: first.description.utf8.lexicographicallyPrecedes(second.description.utf8)
            }
        }
    }

    /// Grows with changes that break users.
    public let major: UInt64
    /// Grows with additions.
    public let minor: UInt64
    /// Grows with corrections.
    public let patch: UInt64
    /// What follows `-`; empty in a release.
    public let prerelease: [Identifier]
    /// What follows `+`; it says nothing about precedence.
    public let build: [String]

    /// Makes a release. Nil where a number is larger than ``maximumNumber``.
    public init?(major: UInt64, minor: UInt64, patch: UInt64) {
        guard max(major, minor, patch) <= Self.maximumNumber else { return nil }
        self.init(major, minor, patch)
    }

    /// Reads a version. A leading `v` is allowed, as in npm, and is no part of the version.
    ///
    /// - Throws: ``InvalidVersion`` that says what is wrong.
    public init(parsing text: String) throws(InvalidVersion) {
        func refuse(_ problem: String) -> InvalidVersion { InvalidVersion(text: text, problem: problem) }
        if text.utf8.count > Self.maximumBytes {
            throw refuse("it has \(text.utf8.count) bytes, at most \(Self.maximumBytes) are allowed")
        }
        let parts: VersionText
        do throws(VersionText.Problem) {
            parts = try VersionText(text.hasPrefix("v") ? text.dropFirst() : Substring(text))
        } catch {
            throw refuse(error.description)
        }
        guard parts.numbers.count == 3 else {
            throw refuse("it has to have three numbers")
        }
        var numbers: [UInt64] = []
        for part in parts.numbers {
            guard case .number(let number) = part else { throw refuse("wildcards stand in ranges only") }
            numbers.append(number)
        }
        self.init(numbers[0], numbers[1], numbers[2], prerelease: parts.prerelease, build: parts.build)
    }

    /// Makes a version of numbers that are known to be in range.
    init(
        _ major: UInt64, _ minor: UInt64, _ patch: UInt64, prerelease: [Identifier] = [], build: [String] = []
    ) {
        self.major = major
        self.minor = minor
        self.patch = patch
        self.prerelease = prerelease
        self.build = build
    }

    /// Whether it is a pre-release.
    public var isPrerelease: Bool { !prerelease.isEmpty }

    /// Whether both have the same precedence: all but build metadata is equal.
    public func hasSamePrecedence(as other: SemanticVersion) -> Bool {
        isSameRelease(as: other) && prerelease == other.prerelease
    }

    /// Whether the precedence of this one is lower, build metadata left aside.
    func precedes(_ other: SemanticVersion) -> Bool {
        if (major, minor, patch) != (other.major, other.minor, other.patch) {
            return (major, minor, patch) < (other.major, other.minor, other.patch)
        }
        if prerelease.isEmpty || other.prerelease.isEmpty {
            return !prerelease.isEmpty && other.prerelease.isEmpty
        }
        return prerelease.lexicographicallyPrecedes(other.prerelease)
    }

    /// Whether major, minor and patch are equal.
    func isSameRelease(as other: SemanticVersion) -> Bool {
        (major, minor, patch) == (other.major, other.minor, other.patch)
    }
}

extension SemanticVersion: Comparable {
    /// Whether the first has the lower precedence; where both have the same, whether its build metadata comes
    /// first.
    public static func < (first: SemanticVersion, second: SemanticVersion) -> Bool {
        if first.hasSamePrecedence(as: second) { return first.build.lexicographicallyPrecedes(second.build) }
        return first.precedes(second)
    }
}

extension SemanticVersion: CustomStringConvertible {
    /// The version's text; it reads back to the same version.
    public var description: String {
        var text = "\(major).\(minor).\(patch)"
        if !prerelease.isEmpty { text += "-" + prerelease.map(\.description).joined(separator: ".") }
        if !build.isEmpty { text += "+" + build.joined(separator: ".") }
        return text
    }
}

extension SemanticVersion: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
