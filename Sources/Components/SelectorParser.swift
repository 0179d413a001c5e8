import Identity

/// Reads the text of a ``ThingSelector``.
struct SelectorParser {
    private let text: String
    private let scalars: [Unicode.Scalar]
    private var index = 0

    init(_ text: String) {
        self.text = text
        self.scalars = Array(text.unicodeScalars)
    }

    /// Whether a value with this character needs no quotes.
    static func isBare(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "A"..."Z", "a"..."z", "0"..."9", ".", "_", "-", ":", "/", "@", "+": true
        default: false
        }
    }

    mutating func parse() throws(InvalidSelector) -> [SelectorRequirement] {
        if text.utf8.count > ThingSelector.Limits.bytes {
            throw refuse("it has \(text.utf8.count) bytes; at most \(ThingSelector.Limits.bytes) are allowed")
        }
        skipSpaces()
        if index == scalars.count { throw refuse("it is empty; write a condition, such as type=bme680") }
        var requirements: [SelectorRequirement] = []
        while true {
            requirements.append(try requirement())
            if requirements.count > ThingSelector.Limits.requirements {
                throw refuse("it has more than \(ThingSelector.Limits.requirements) conditions")
            }
            skipSpaces()
            if index == scalars.count { return requirements }
            guard take(",") else { throw refuse("a comma should stand between two conditions, \(here)") }
            skipSpaces()
        }
    }

    private mutating func requirement() throws(InvalidSelector) -> SelectorRequirement {
        if take("!") {
            skipSpaces()
            return SelectorRequirement(key: try key(), test: .isMissing)
        }
        let key = try key()
        skipSpaces()
        if take("!") {
            guard take("=") else { throw refuse("after ! stands =, \(here)") }
            return SelectorRequirement(key: key, test: .isNone([try value(of: key)]))
        }
        if take("=") {
            _ = take("=")
            return SelectorRequirement(key: key, test: .isOne([try value(of: key)]))
        }
        let start = index
        let word = bareText()
        switch word {
        case "": return SelectorRequirement(key: key, test: .exists)
        case "in": return SelectorRequirement(key: key, test: .isOne(try values(of: key)))
        case "notin": return SelectorRequirement(key: key, test: .isNone(try values(of: key)))
        default:
            index = start
            throw refuse(
                "after \"\(key)\" comes =, !=, in (…), notin (…) or a comma, \(here)")
        }
    }

    private mutating func key() throws(InvalidSelector) -> SelectorRequirement.Key {
        let start = index
        while index < scalars.count, Self.isBare(scalars[index]) { index += 1 }
        let name = String(String.UnicodeScalarView(scalars[start..<index]))
        if name.isEmpty { throw refuse("a key is missing, \(here)") }
        do throws(InvalidName) {
            try EntityName.validate(name)
        } catch {
            throw refuse("\"\(name)\" is not a key: \(error.description)")
        }
        return SelectorRequirement.Key(name)
    }

    private mutating func values(
        of key: SelectorRequirement.Key
    ) throws(InvalidSelector) -> [SelectorRequirement.Value] {
        skipSpaces()
        guard take("(") else { throw refuse("values stand in parentheses, such as (a,b), \(here)") }
        var values: [SelectorRequirement.Value] = []
        while true {
            values.append(try value(of: key))
            if values.count > ThingSelector.Limits.values {
                throw refuse("\"\(key)\" has more than \(ThingSelector.Limits.values) values")
            }
            skipSpaces()
            if take(")") { return values }
            guard take(",") else { throw refuse("a comma or ) should follow a value, \(here)") }
        }
    }

    private mutating func value(
        of key: SelectorRequirement.Key
    ) throws(InvalidSelector) -> SelectorRequirement.Value {
        skipSpaces()
        if take("\"") { return SelectorRequirement.Value(try quoted()) }
        let text = bareText()
        if take("*") {
            guard key == .name else {
                throw refuse(
                    "only name takes a value that ends in *; put \"\(text)*\" in quotes if it means itself")
            }
            return SelectorRequirement.Value(text, isPrefix: true)
        }
        if text.isEmpty {
            throw refuse(
                "a value of \"\(key)\" is missing, \(here); put a value with other characters in quotes")
        }
        return SelectorRequirement.Value(text)
    }

    private mutating func quoted() throws(InvalidSelector) -> String {
        var value = String.UnicodeScalarView()
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case "\"": return String(value)
            case "\\" where index < scalars.count:
                value.append(scalars[index])
                index += 1
            default: value.append(scalar)
            }
        }
        throw refuse("a quote is not closed; write \" at the end of the value")
    }

    // MARK: Characters

    private mutating func bareText() -> String {
        let start = index
        while index < scalars.count, Self.isBare(scalars[index]) { index += 1 }
        return String(String.UnicodeScalarView(scalars[start..<index]))
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard index < scalars.count, scalars[index] == scalar else { return false }
        index += 1
        return true
    }

    private mutating func skipSpaces() {
        while index < scalars.count, scalars[index] == " " || scalars[index] == "\t" { index += 1 }
    }

    /// Where the reading stopped, for people.
    private var here: String {
        guard index < scalars.count else { return "but the text ends" }
        return
            "but there is \"\(String(String.UnicodeScalarView(scalars[index..<min(index + 12, scalars.count)])))\""
    }

    private func refuse(_ problem: String) -> InvalidSelector {
        InvalidSelector(text: text, problem: problem)
    }
}
