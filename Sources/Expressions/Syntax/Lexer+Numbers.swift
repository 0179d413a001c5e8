extension Lexer {
    /// Reads a number: decimal or hexadecimal digits, with `u` for unsigned, with a fraction or exponent for a
    /// double.
    mutating func number() throws(ExpressionProblem) -> Token.Kind {
        let start = position
        if peek() == UInt8(ascii: "0"), peek(1) | 0x20 == UInt8(ascii: "x") {
            position += 2
            while peek().hexValue != nil { position += 1 }
            let digits = String(decoding: bytes[(start + 2)..<position], as: UTF8.self)
            if digits.isEmpty { throw problem("hexadecimal digits are missing after 0x", from: start) }
            return try whole(UInt64(digits, radix: 16), from: start)
        }
        while peek().isDigit { position += 1 }
        var isDouble = false
        if peek() == UInt8(ascii: "."), peek(1).isDigit {
            isDouble = true
            position += 1
            while peek().isDigit { position += 1 }
        }
        if peek() | 0x20 == UInt8(ascii: "e") {
            let signed = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-")
            if peek(signed ? 2 : 1).isDigit {
                isDouble = true
                position += signed ? 2 : 1
                while peek().isDigit { position += 1 }
            }
        }
        let digits = String(decoding: bytes[start..<position], as: UTF8.self)
        guard isDouble else { return try whole(UInt64(digits), from: start) }
        try refuseTail(from: start)
        guard let number = Double(digits.hasPrefix(".") ? "0" + digits : digits), number.isFinite else {
            throw problem("the number is too large for a double", from: start)
        }
        return .literal(.double(number))
    }

    private mutating func whole(_ number: UInt64?, from start: Int) throws(ExpressionProblem) -> Token.Kind {
        let isUnsigned = peek() | 0x20 == UInt8(ascii: "u")
        if isUnsigned { position += 1 }
        try refuseTail(from: start)
        guard let number else {
            throw problem("the number does not fit 64 bits; write it with .0 for a double", from: start)
        }
        return isUnsigned ? .literal(.uint(number)) : .integer(number)
    }

    /// A letter or digit directly after a number is a slip such as `2x` or `1.2.3`.
    private mutating func refuseTail(from start: Int) throws(ExpressionProblem) {
        guard peek().isIdentifierStart || (peek() == UInt8(ascii: ".") && peek(1).isDigit) else { return }
        let end = position
        while peek().isIdentifierPart || peek() == UInt8(ascii: ".") { position += 1 }
        let tail = String(decoding: bytes[end..<position], as: UTF8.self)
        throw problem("'\(tail.printable)' directly after a number; an operator is missing", from: start)
    }
}
