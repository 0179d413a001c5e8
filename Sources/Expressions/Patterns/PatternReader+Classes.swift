extension PatternReader {
    /// After a backslash: a class such as `\d`, or one character.
    mutating func classEscape() throws(EvaluationError) -> ScalarSet {
        guard let scalar = current else { throw invalid("a backslash at the end") }
        position += 1
        switch scalar {
        case "d": return .digits
        case "D": return ScalarSet.digits.negated
        case "w": return .words
        case "W": return ScalarSet.words.negated
        case "s": return .blanks
        case "S": return ScalarSet.blanks.negated
        case "p": return try category()
        case "P": return try category().negated
        case "a": return ScalarSet("\u{07}")
        case "f": return ScalarSet("\u{0C}")
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        case "t": return ScalarSet("\t")
        case "v": return ScalarSet("\u{0B}")
        case "x": return ScalarSet(try hexadecimal())
        case "0"..."7": return ScalarSet(try octal(scalar))
        default:
            if scalar.isASCII, scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                position -= 1
                throw invalid("the escape sequence \\\(scalar) is not known")
            }
            return ScalarSet(scalar)
        }
    }

    private mutating func octal(_ first: Unicode.Scalar) throws(EvaluationError) -> Unicode.Scalar {
        var code = first.value - 0x30
        var count = 1
        while count < 3, let digit = current, ("0"..."7").contains(digit) {
            code = code * 8 + digit.value - 0x30
            position += 1
            count += 1
        }
        guard first == "0" || count > 1, let scalar = Unicode.Scalar(code) else {
            throw invalid("references to groups are no part of RE2's syntax")
        }
        return scalar
    }

    private mutating func hexadecimal() throws(EvaluationError) -> Unicode.Scalar {
        let isBraced = take("{")
        var code: UInt32 = 0
        var count = 0
        while let scalar = current, count < (isBraced ? 8 : 2), let octet = UInt8(exactly: scalar.value),
            let digit = octet.hexValue
        {
            code = code &* 16 &+ digit
            count += 1
            position += 1
        }
        guard count == 2 || (isBraced && count > 0), !isBraced || take("}"), let scalar = Unicode.Scalar(code)
        else {
            throw invalid("a code point is written \\x41 or \\x{1F600}")
        }
        return scalar
    }

    /// After `\p`: one letter, or a name in braces, `^` for its contrary.
    private mutating func category() throws(EvaluationError) -> ScalarSet {
        var name = ""
        if take("{") {
            while let scalar = current, scalar != "}", name.unicodeScalars.count < 32 {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            if !take("}") { throw invalid("the name of a Unicode class lacks its '}'") }
        } else if let scalar = current {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        let isNegated = name.hasPrefix("^")
        guard let set = ScalarSet.category(isNegated ? String(name.dropFirst()) : name) else {
            throw invalid(
                "the Unicode class '\(name.printable)' is not known; general categories such as L, Lu, Nd are"
            )
        }
        return isNegated ? set.negated : set
    }

    /// After `[`.
    mutating func bracket() throws(EvaluationError) -> ScalarSet {
        let isNegated = take("^")
        var set = ScalarSet()
        var isFirst = true
        while isFirst || current != "]" {
            isFirst = false
            guard let scalar = current else { throw invalid("a '[' without its ']'") }
            if scalar == "[", position + 1 < scalars.count, scalars[position + 1] == ":" {
                set.formUnion(try posix())
                continue
            }
            let low = try bracketItem()
            guard let first = low.single else {
                set.formUnion(low)
                continue
            }
            guard current == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                set.formUnion(low)
                continue
            }
            position += 1
            guard let last = try bracketItem().single, last >= first else {
                throw invalid("a range whose end is below its beginning")
            }
            set.ranges.append(first...last)
        }
        position += 1
        set.isNegated = isNegated
        return set
    }

    private mutating func bracketItem() throws(EvaluationError) -> ScalarSet {
        if take("\\") { return try classEscape() }
        guard let scalar = current else { throw invalid("a '[' without its ']'") }
        position += 1
        return ScalarSet(scalar)
    }

    private mutating func posix() throws(EvaluationError) -> ScalarSet {
        position += 2
        let isNegated = take("^")
        var name = ""
        while let scalar = current, scalar != ":", name.utf8.count < 16 {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard take(":"), take("]"), let set = ScalarSet.named(name) else {
            throw invalid("the class [:\(name.printable):] is not known")
        }
        return isNegated ? set.negated : set
    }
}

extension ScalarSet {
    /// The one scalar that the set holds; nil for all other sets.
    var single: UInt32? {
        guard !isNegated, properties.isEmpty, ranges.count == 1, ranges[0].count == 1 else { return nil }
        return ranges[0].lowerBound
    }
}
