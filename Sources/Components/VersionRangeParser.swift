/// Reads npm's range syntax (the grammar and the meaning of every form are in the documentation of npm's
/// `semver` package, "Ranges" and "Advanced Range Syntax").
struct VersionRangeParser {
    let text: String
    let policy: VersionRange.PrereleasePolicy

    /// What stands before a version in a range.
    private enum Operator: String {
        case none = ""
        case equal = "="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case tilde = "~"
        case tildeGreater = "~>"
        case caret = "^"
    }

    /// A version of which the last numbers may be left open; numbers behind an open one are 0.
    private struct Partial {
        var major: UInt64?
        var minor: UInt64?
        var patch: UInt64?
        var prerelease: [SemanticVersion.Identifier]
    }

    func parse() throws(InvalidVersionRange) -> [[VersionComparator]] {
        if text.utf8.count > VersionRange.Limits.bytes {
            throw refuse("it has \(text.utf8.count) bytes, at most \(VersionRange.Limits.bytes) are allowed")
        }
        var alternatives: [[VersionComparator]] = []
        for part in alternativeTexts() {
            alternatives.append(try alternative(part))
        }
        if alternatives.count > VersionRange.Limits.alternatives {
            throw refuse("it has more than \(VersionRange.Limits.alternatives) alternatives")
        }
        // What nothing satisfies and what everything satisfies decide alone.
        let possible = alternatives.filter { $0 != [.never] }
        if possible.isEmpty { return [[.never]] }
        return possible.contains([]) ? [[]] : possible
    }

    private func refuse(_ problem: String) -> InvalidVersionRange {
        InvalidVersionRange(text: text, problem: problem)
    }

    /// The texts between `||`.
    private func alternativeTexts() -> [Substring] {
        var texts: [Substring] = []
        var rest = Substring(text)
        while let bars = rest.firstRange(of: "||") {
            texts.append(rest[..<bars.lowerBound])
            rest = rest[bars.upperBound...]
        }
        return texts + [rest]
    }

    // MARK: One alternative

    private func alternative(_ text: Substring) throws(InvalidVersionRange) -> [VersionComparator] {
        let words = text.split(whereSeparator: \.isWhitespace)
        if words.count == 3, words[1] == "-" {
            return try hyphen(from: partial(words[0]), to: partial(words[2]))
        }
        var comparators: [VersionComparator] = []
        var pending: Operator?
        for word in words {
            var word = word
            let sign: Operator
            if let waiting = pending {
                sign = waiting
                pending = nil
            } else {
                (sign, word) = Self.cutOperator(word)
                if word.isEmpty {
                    pending = sign
                    continue
                }
            }
            for comparator in try expand(sign, partial(word)) where !comparators.contains(comparator) {
                comparators.append(comparator)
            }
            if comparators.count > VersionRange.Limits.comparators {
                throw refuse("it has more than \(VersionRange.Limits.comparators) comparators in a row")
            }
        }
        if let pending { throw refuse("there is no version behind \(pending.rawValue)") }
        return comparators.contains(.never) ? [.never] : comparators
    }

    private static func cutOperator(_ word: Substring) -> (Operator, Substring) {
        for length in [2, 1] {
            if let sign = Operator(rawValue: String(word.prefix(length))) {
                return (sign, word.dropFirst(sign.rawValue.count))
            }
        }
        return (.none, word)
    }

    private func partial(_ word: Substring) throws(InvalidVersionRange) -> Partial {
        if word.first == "@" { throw refuse("a range has no aliases (@NAME)") }
        let parts: VersionText
        do throws(VersionText.Problem) {
            parts = try VersionText(word.first == "v" ? word.dropFirst() : word)
        } catch {
            throw refuse(error.description)
        }
        var numbers: [UInt64] = []
        var isOpen = false
        for part in parts.numbers {
            switch part {
            case .wildcard: isOpen = true
            case .number where isOpen: throw refuse("a number stands behind a wildcard")
            case .number(let number): numbers.append(number)
            }
        }
        return Partial(
            major: numbers.first, minor: numbers.count > 1 ? numbers[1] : nil,
            patch: numbers.count > 2 ? numbers[2] : nil, prerelease: isOpen ? [] : parts.prerelease)
    }

    // MARK: Meaning

    private func expand(
        _ sign: Operator, _ version: Partial
    ) throws(InvalidVersionRange) -> [VersionComparator] {
        switch sign {
        case .caret: try caret(version)
        case .tilde, .tildeGreater: try tilde(version)
        case .none, .equal: try plain(version)
        case .greaterOrEqual: atLeast(version)
        case .less: below(version)
        case .greater: try above(version)
        case .lessOrEqual: try atMost(version)
        }
    }

    /// `^`: what does not change the first number that is not 0.
    private func caret(_ version: Partial) throws(InvalidVersionRange) -> [VersionComparator] {
        guard let major = version.major else { return [] }
        guard let minor = version.minor else { return try between(version, major + 1, 0, 0) }
        guard let patch = version.patch else {
            return major == 0
                ? try between(version, 0, minor + 1, 0) : try between(version, major + 1, 0, 0)
        }
        if major > 0 { return try between(version, major + 1, 0, 0) }
        return minor > 0 ? try between(version, 0, minor + 1, 0) : try between(version, 0, 0, patch + 1)
    }

    /// `~`: what changes the patch number only; the minor too where none is named.
    private func tilde(_ version: Partial) throws(InvalidVersionRange) -> [VersionComparator] {
        guard let major = version.major else { return [] }
        guard let minor = version.minor else { return try between(version, major + 1, 0, 0) }
        return try between(version, major, minor + 1, 0)
    }

    /// A version by itself: exactly it, or all that its open numbers leave open.
    private func plain(_ version: Partial) throws(InvalidVersionRange) -> [VersionComparator] {
        guard let major = version.major else { return [] }
        guard let minor = version.minor else { return try between(version, major + 1, 0, 0) }
        guard let patch = version.patch else { return try between(version, major, minor + 1, 0) }
        return [
            VersionComparator(
                .equal, SemanticVersion(major, minor, patch, prerelease: version.prerelease))
        ]
    }

    private func atLeast(_ version: Partial) -> [VersionComparator] {
        version.major == nil ? [] : lower(floor(version))
    }

    private func below(_ version: Partial) -> [VersionComparator] {
        guard let major = version.major else { return [.never] }
        if version.patch != nil { return [VersionComparator(.less, floor(version))] }
        let bound = SemanticVersion(major, version.minor ?? 0, 0, prerelease: .lowest)
        return [VersionComparator(.less, bound)]
    }

    private func above(_ version: Partial) throws(InvalidVersionRange) -> [VersionComparator] {
        guard let major = version.major else { return [.never] }
        if version.patch != nil { return [VersionComparator(.greater, floor(version))] }
        guard let minor = version.minor else {
            return lower(SemanticVersion(try checked(major + 1), 0, 0, prerelease: lowest))
        }
        return lower(SemanticVersion(major, try checked(minor + 1), 0, prerelease: lowest))
    }

    private func atMost(_ version: Partial) throws(InvalidVersionRange) -> [VersionComparator] {
        guard let major = version.major else { return [] }
        guard let minor = version.minor else { return [try ceiling(major + 1, 0, 0)] }
        guard version.patch != nil else { return [try ceiling(major, minor + 1, 0)] }
        return [VersionComparator(.lessOrEqual, floor(version))]
    }

    /// `A - B`: from A to B, both included, with all that the open numbers of B leave open.
    private func hyphen(
        from: Partial, to: Partial
    ) throws(InvalidVersionRange) -> [VersionComparator] {
        var comparators: [VersionComparator] = []
        if from.major != nil {
            let start = floor(from)
            comparators = lower(
                from.patch != nil && from.prerelease.isEmpty
                    ? SemanticVersion(start.major, start.minor, start.patch, prerelease: lowest) : start)
        }
        guard let major = to.major else { return comparators }
        if let minor = to.minor, let patch = to.patch {
            let end =
                policy == .always && to.prerelease.isEmpty
                ? try ceiling(major, minor, patch + 1) : VersionComparator(.lessOrEqual, floor(to))
            return comparators + [end]
        }
        guard let minor = to.minor else { return comparators + [try ceiling(major + 1, 0, 0)] }
        return comparators + [try ceiling(major, minor + 1, 0)]
    }

    // MARK: Bounds

    /// From a version to below another one and its pre-releases.
    private func between(
        _ version: Partial, _ major: UInt64, _ minor: UInt64, _ patch: UInt64
    ) throws(InvalidVersionRange) -> [VersionComparator] {
        lower(floor(version)) + [try ceiling(major, minor, patch)]
    }

    /// The lower bound, left out where it says nothing.
    private func lower(_ version: SemanticVersion) -> [VersionComparator] {
        let everything = policy == .always ? SemanticVersion.lowest : SemanticVersion(0, 0, 0)
        return version == everything ? [] : [VersionComparator(.greaterOrEqual, version)]
    }

    /// The bound below a version and all of its pre-releases.
    private func ceiling(
        _ major: UInt64, _ minor: UInt64, _ patch: UInt64
    ) throws(InvalidVersionRange) -> VersionComparator {
        VersionComparator(
            .less,
            SemanticVersion(
                try checked(major), try checked(minor), try checked(patch), prerelease: .lowest))
    }

    private func checked(_ number: UInt64) throws(InvalidVersionRange) -> UInt64 {
        if number > SemanticVersion.maximumNumber {
            throw refuse("there is no version above \(SemanticVersion.maximumNumber)")
        }
        return number
    }

    /// The lowest version that a partial one stands for.
    private func floor(_ version: Partial) -> SemanticVersion {
        SemanticVersion(
            version.major ?? 0, version.minor ?? 0, version.patch ?? 0,
            prerelease: version.patch == nil ? lowest : version.prerelease)
    }

    /// What an open version begins with: pre-releases of it where they count.
    private var lowest: [SemanticVersion.Identifier] { policy == .always ? .lowest : [] }
}
