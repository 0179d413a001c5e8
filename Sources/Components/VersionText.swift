/// The grammar that versions and the versions inside ranges share: up to three numbers or wildcards between
/// dots, then a pre-release, then build metadata (semver 2.0.0, section 9 and 10; npm's `partial`).
struct VersionText {
    /// One of major, minor and patch.
    enum Part: Hashable {
        case number(UInt64)
        /// `x`, `X` or `*`.
        case wildcard
    }

    /// What is wrong with a text, as the end of a sentence.
    struct Problem: Error {
        let description: String
    }

    /// One to three.
    let numbers: [Part]
    let prerelease: [SemanticVersion.Identifier]
    let build: [String]

    /// Reads a text without its leading `v`.
    init(_ text: Substring) throws(Problem) {
        let (rest, build) = Self.cut(text, at: "+")
        let (core, prerelease) = Self.cut(rest, at: "-")
        var numbers: [Part] = []
        for part in core.split(separator: ".", omittingEmptySubsequences: false) {
            numbers.append(try Self.part(part))
        }
        guard numbers.count <= 3 else { throw Problem(description: "it has more than three numbers") }
        self.numbers = numbers
        self.prerelease = try Self.identifiers(prerelease)
        self.build = try Self.metadata(build)
        if !self.prerelease.isEmpty, numbers.count < 3 {
            throw Problem(description: "a pre-release stands behind three numbers")
        }
    }

    private static func cut(_ text: Substring, at mark: Character) -> (Substring, Substring?) {
        guard let index = text.firstIndex(of: mark) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    private static func part(_ text: Substring) throws(Problem) -> Part {
        if text == "x" || text == "X" || text == "*" { return .wildcard }
        if text.isEmpty { throw Problem(description: "a number is missing") }
        guard text.utf8.allSatisfy(isDigit) else {
            throw Problem(description: "\"\(text.prefix(20))\" is not a number")
        }
        if text.utf8.count > 1, text.utf8.first == UInt8(ascii: "0") {
            throw Problem(description: "the number \(text.prefix(20)) has a leading zero")
        }
        guard let number = UInt64(text), number <= SemanticVersion.maximumNumber else {
            throw Problem(
                description: "the number \(text.prefix(20))… is larger than \(SemanticVersion.maximumNumber)")
        }
        return .number(number)
    }

    private static func identifiers(
        _ text: Substring?
    ) throws(Problem) -> [SemanticVersion.Identifier] {
        guard let text else { return [] }
        var identifiers: [SemanticVersion.Identifier] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            guard let identifier = SemanticVersion.Identifier(part) else {
                throw Problem(
                    description: "\"\(part.prefix(20))\" is no part of a pre-release (letters, digits and -, "
                        + "numbers without leading zeros)")
            }
            identifiers.append(identifier)
        }
        return identifiers
    }

    private static func metadata(_ text: Substring?) throws(Problem) -> [String] {
        guard let text else { return [] }
        var parts: [String] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            guard isIdentifier(part) else {
                throw Problem(
                    description: "\"\(part.prefix(20))\" is no part of build metadata (letters, digits and -)"
                )
            }
            parts.append(String(part))
        }
        return parts
    }

    /// Whether a text has ASCII letters, digits and `-` only, and at least one.
    static func isIdentifier(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "-"):
                    true
                default: isDigit(byte)
                }
            }
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
