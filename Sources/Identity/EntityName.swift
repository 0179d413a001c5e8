/// The rule for names of things, cores, groups, components, streams, operators and apps.
///
/// `[A-Za-z0-9._-]{1,128}`, case matters (semantics, section 7). Things and cores share one name space.
public enum EntityName {
    /// Most bytes that a name may have.
    public static let maximumLength = 128

    /// Checks a name.
    ///
    /// - Throws: ``InvalidName`` that says which character or length is wrong.
    public static func validate(_ name: String) throws(InvalidName) {
        if name.isEmpty { throw InvalidName(name: name, problem: "is empty") }
        if name.utf8.count > maximumLength {
            throw InvalidName(name: name, problem: "has \(name.utf8.count) bytes")
        }
        for byte in name.utf8 where !isAllowed(byte) {
            throw InvalidName(name: name, problem: "contains a character that is not allowed")
        }
    }

    /// Whether a name follows the rule.
    public static func isValid(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= maximumLength && name.utf8.allSatisfy(isAllowed)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
