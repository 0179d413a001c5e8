extension Lexer {
    /// How a text or octet literal begins.
    struct TextPrefix {
        let isRaw: Bool
        let isBytes: Bool
        let quote: UInt8
        let isTriple: Bool
        /// The bytes of prefix and opening quotes.
        let length: Int
    }

    /// The beginning of a text here; nil where none begins.
    func textPrefix() -> TextPrefix? {
        var length = 0
        var isRaw = false
        var isBytes = false
        while length < 2 {
            let letter = peek(length) | 0x20
            if letter == UInt8(ascii: "r"), !isRaw {
                isRaw = true
            } else if letter == UInt8(ascii: "b"), !isBytes, !isRaw {
                isBytes = true
            } else {
                break
            }
            length += 1
        }
        let quote = peek(length)
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
        let isTriple = peek(length + 1) == quote && peek(length + 2) == quote
        return TextPrefix(
            isRaw: isRaw, isBytes: isBytes, quote: quote, isTriple: isTriple,
            length: length + (isTriple ? 3 : 1))
    }

    /// Reads a text or octet literal.
    mutating func text(_ prefix: TextPrefix) throws(ExpressionProblem) -> Value {
        let start = position
        position += prefix.length
        var content: [UInt8] = []
        while true {
            guard position < bytes.count else { throw unterminated(prefix, from: start) }
            let byte = peek()
            if byte == prefix.quote,
                !prefix.isTriple || (peek(1) == prefix.quote && peek(2) == prefix.quote)
            {
                position += prefix.isTriple ? 3 : 1
                break
            }
            if !prefix.isTriple, byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                throw unterminated(prefix, from: start)
            }
            if byte == UInt8(ascii: "\\") {
                if prefix.isRaw {
                    content.append(byte)
                    position += 1
                } else {
                    try escape(isBytes: prefix.isBytes, into: &content)
                }
            } else {
                content.append(byte)
                position += 1
            }
        }
        // The source is valid UTF-8, and escapes of a text append whole scalars.
        return prefix.isBytes ? .bytes(content) : .string(String(decoding: content, as: UTF8.self))
    }

    private func unterminated(_ prefix: TextPrefix, from start: Int) -> ExpressionProblem {
        let quotes = String(repeating: Character(UnicodeScalar(prefix.quote)), count: prefix.isTriple ? 3 : 1)
        return ExpressionProblem(
            span: SourceSpan(start: start, end: start + prefix.length),
            message: "the text that begins here lacks its closing \(quotes)")
    }

    /// Reads one escape sequence, at the backslash.
    private mutating func escape(isBytes: Bool, into content: inout [UInt8]) throws(ExpressionProblem) {
        let start = position
        let letter = peek(1)
        position += 2
        switch letter {
        case UInt8(ascii: "a"): content.append(0x07)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "v"): content.append(0x0B)
        case UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"):
            content.append(letter)
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            let code = try digits(2, radix: 16, from: start)
            try append(code, isOctet: isBytes, to: &content, from: start)
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            position -= 1
            let code = try digits(3, radix: 8, from: start)
            try append(code, isOctet: isBytes, to: &content, from: start)
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            if isBytes {
                throw problem("\\u and \\U are for texts; in octets write \\x and two digits", from: start)
            }
            var code = try digits(letter == UInt8(ascii: "u") ? 4 : 8, radix: 16, from: start)
            if (0xD800..<0xDC00).contains(code), peek() == UInt8(ascii: "\\"), peek(1) | 0x20 == 0x75 {
                // A pair of surrogates stands for one scalar.
                let isShort = peek(1) == UInt8(ascii: "u")
                position += 2
                let low = try digits(isShort ? 4 : 8, radix: 16, from: start)
                guard (0xDC00..<0xE000).contains(low) else {
                    throw problem("the first half of a surrogate pair lacks its second", from: start)
                }
                code = 0x1_0000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            try append(code, isOctet: false, to: &content, from: start)
        default:
            position = min(position, bytes.count)
            throw problem(
                "unknown escape sequence; a backslash itself is written \\\\, or the text raw: r'…'",
                from: start)
        }
    }

    private mutating func digits(
        _ count: Int, radix: UInt32, from start: Int
    ) throws(ExpressionProblem) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<count {
            guard let digit = peek().hexValue, digit < radix else {
                throw problem("this escape sequence needs \(count) digits", from: start)
            }
            code = code &* radix &+ digit
            position += 1
        }
        return code
    }

    private func append(
        _ code: UInt32, isOctet: Bool, to content: inout [UInt8], from start: Int
    ) throws(ExpressionProblem) {
        if isOctet {
            guard let octet = UInt8(exactly: code) else {
                throw problem("an octet is at most 377 octal", from: start)
            }
            content.append(octet)
        } else {
            guard let scalar = UnicodeScalar(code) else {
                throw problem("the escape sequence names no Unicode character", from: start)
            }
            content.append(contentsOf: String(Character(scalar)).utf8)
        }
    }
}
