/// The rule for names of shadows: `[a-zA-Z0-9:_-]{1,64}`.
enum ShadowNameRule {
    static let maximumBytes = 64

    /// What is wrong with a name, one sentence; nil where nothing is.
    static func problem(with name: String) -> String? {
        let isValid = !name.isEmpty && name.utf8.count <= maximumBytes && name.utf8.allSatisfy(isAllowed)
        if isValid { return nil }
        let shown = name.prefix(maximumBytes).map { $0.isNewline ? " " : $0 }
        return
            "\"\(String(shown))\" is no name of a shadow; a name has 1 to \(maximumBytes) of the characters A-Z a-z 0-9 : _ -, "
            + "and the classic shadow has none"
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
