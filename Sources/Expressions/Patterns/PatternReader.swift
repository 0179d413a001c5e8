/// Reads RE2's syntax. Recursion is bounded by the depth of groups.
struct PatternReader {
    private static let maximumDepth = 64
    private static let maximumRepetition = 1_000

    let scalars: [Unicode.Scalar]
    var position = 0
    private var depth = 0
    /// The flags `i`, `s` and `m`.
    private var ignoresCase = false
    private var dotTakesNewline = false
    private var isMultiline = false

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// Reads the whole pattern.
    mutating func read() throws(EvaluationError) -> PatternNode {
        let node = try choice()
        if position < scalars.count { throw invalid("a ')' without its '('") }
        return node
    }

    var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    func invalid(_ what: String) -> EvaluationError {
        .invalid("the regular expression is not valid at its character \(position + 1): \(what)")
    }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        position += 1
        return true
    }

    private mutating func choice() throws(EvaluationError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.maximumDepth { throw invalid("groups nested more than \(Self.maximumDepth) deep") }
        var options: [PatternNode] = []
        repeat {
            var parts: [PatternNode] = []
            while let scalar = current, scalar != "|", scalar != ")" { parts.append(try repeated()) }
            options.append(parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts))
        } while take("|")
        return options.count == 1 ? options[0] : .choice(options)
    }

    private mutating func repeated() throws(EvaluationError) -> PatternNode {
        var node = try atom()
        var count = 0
        while let bounds = try repetition() {
            count += 1
            if count > 1 { throw invalid("a repetition of a repetition; group it: (?:…)*") }
            _ = take("?")
            node = .repetition(node, minimum: bounds.minimum, maximum: bounds.maximum)
        }
        return node
    }

    /// `*`, `+`, `?` or `{n,m}`; nil where none is here. A `{` that begins no repetition is a character.
    private mutating func repetition() throws(EvaluationError) -> (minimum: Int, maximum: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard current == "{" else { return nil }
        let start = position
        position += 1
        guard let minimum = number() else {
            position = start
            return nil
        }
        var maximum: Int? = minimum
        if take(",") { maximum = number() }
        guard take("}") else {
            position = start
            return nil
        }
        if max(minimum, maximum ?? 0) > Self.maximumRepetition {
            throw invalid("more than \(Self.maximumRepetition) repetitions")
        }
        if let maximum, maximum < minimum { throw invalid("a repetition whose end is below its beginning") }
        return (minimum, maximum)
    }

    private mutating func number() -> Int? {
        let start = position
        while let scalar = current, ("0"..."9").contains(scalar), position - start < 6 { position += 1 }
        return Int(String(String.UnicodeScalarView(scalars[start..<position])))
    }

    private mutating func atom() throws(EvaluationError) -> PatternNode {
        guard let scalar = current else { return .empty }
        switch scalar {
        case "*", "+", "?": throw invalid("'\(scalar)' has nothing to repeat")
        case "(":
            position += 1
            return try group()
        case "[":
            position += 1
            return .set(folded(try bracket()))
        case ".":
            position += 1
            return .set(dotTakesNewline ? .all : .allButNewline)
        case "^":
            position += 1
            return .place(isMultiline ? .lineStart : .textStart)
        case "$":
            position += 1
            return .place(isMultiline ? .lineEnd : .textEnd)
        case "\\":
            position += 1
            return try escaped()
        case "{" where try repetition() != nil: throw invalid("a repetition has nothing to repeat")
        default:
            position += 1
            return .set(folded(ScalarSet(scalar)))
        }
    }

    private func folded(_ set: ScalarSet) -> ScalarSet {
        var set = set
        set.ignoresCase = ignoresCase
        return set
    }

    /// After the opening parenthesis.
    private mutating func group() throws(EvaluationError) -> PatternNode {
        let flags = (ignoresCase, dotTakesNewline, isMultiline)
        if take("?") {
            if take("P")
                || (current == "<" && position + 1 < scalars.count
                    && !"=!".unicodeScalars.contains(scalars[position + 1]))
            {
                guard take("<") else { throw invalid("a group's name is written (?P<name>…)") }
                let start = position
                while let scalar = current,
                    scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                {
                    position += 1
                }
                if position == start || !take(">") { throw invalid("a group's name lacks its '>'") }
            } else if current == "=" || current == "!" || current == "<" {
                throw invalid("looking ahead or behind is no part of RE2's syntax")
            } else if try setFlags() {
                // (?i) holds to the end of the group around.
                return .empty
            }
        }
        let node = try choice()
        if !take(")") { throw invalid("a '(' without its ')'") }
        (ignoresCase, dotTakesNewline, isMultiline) = flags
        return node
    }

    /// `i`, `s`, `m`, `U` and their negations; true where they end with `)`, false with `:`.
    private mutating func setFlags() throws(EvaluationError) -> Bool {
        var isOn = true
        while let scalar = current {
            position += 1
            switch scalar {
            case "i": ignoresCase = isOn
            case "s": dotTakesNewline = isOn
            case "m": isMultiline = isOn
            case "U": break
            case "-": isOn = false
            case ")": return true
            case ":": return false
            default: throw invalid("the flag '\(scalar)' is not known: i, s, m, U")
            }
        }
        throw invalid("a '(' without its ')'")
    }

    /// After a backslash outside of brackets.
    private mutating func escaped() throws(EvaluationError) -> PatternNode {
        guard let scalar = current else { throw invalid("a backslash at the end") }
        switch scalar {
        case "b", "B", "A", "z":
            position += 1
            let places: [Unicode.Scalar: Pattern.Place] = [
                "b": .wordBoundary, "B": .noWordBoundary, "A": .textStart, "z": .textEnd,
            ]
            return places[scalar].map(PatternNode.place) ?? .empty
        case "Q":
            position += 1
            var parts: [PatternNode] = []
            while let scalar = current {
                if scalar == "\\", position + 1 < scalars.count, scalars[position + 1] == "E" {
                    position += 2
                    break
                }
                parts.append(.set(folded(ScalarSet(scalar))))
                position += 1
            }
            return .sequence(parts)
        default: return .set(folded(try classEscape()))
        }
    }
}
