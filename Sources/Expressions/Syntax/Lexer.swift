/// Cuts a source into tokens (CEL's lexis). Works on bytes and without recursion.
struct Lexer {
    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
        "package",
        "namespace", "return", "var", "void", "while",
    ]

    let bytes: [UInt8]
    var position = 0
    private var tokens: [Token] = []

    private init(_ source: String) { bytes = Array(source.utf8) }

    /// All tokens of a source, the last is `end`.
    static func tokens(of source: String) throws(ExpressionProblem) -> [Token] {
        var lexer = Lexer(source)
        while try lexer.next() {}
        let end = lexer.bytes.count
        lexer.tokens.append(Token(kind: .end, span: SourceSpan(start: end, end: end)))
        return lexer.tokens
    }

    /// The byte at an offset from here; 0 after the end (a 0 in the source is no token either).
    func peek(_ offset: Int = 0) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    func problem(_ message: String, from start: Int) -> ExpressionProblem {
        ExpressionProblem(span: SourceSpan(start: start, end: max(position, start + 1)), message: message)
    }

    private mutating func add(_ kind: Token.Kind, from start: Int) {
        tokens.append(Token(kind: kind, span: SourceSpan(start: start, end: position)))
    }

    /// Reads one token; false at the end.
    private mutating func next() throws(ExpressionProblem) -> Bool {
        skipBlanks()
        if position >= bytes.count { return false }
        let start = position
        let byte = peek()
        if byte.isDigit || (byte == UInt8(ascii: ".") && peek(1).isDigit) {
            let kind = try number()
            add(kind, from: start)
        } else if let prefix = textPrefix() {
            let value = try text(prefix)
            add(.literal(value), from: start)
        } else if byte.isIdentifierStart {
            word(from: start)
        } else if byte == UInt8(ascii: "`") {
            try quotedName(from: start)
        } else {
            let symbol = try symbol()
            add(.symbol(symbol), from: start)
        }
        return true
    }

    /// Skips blanks and comments, which reach to the end of the line.
    private mutating func skipBlanks() {
        while position < bytes.count {
            switch peek() {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), 0x0C:
                position += 1
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
                while position < bytes.count, peek() != UInt8(ascii: "\n"), peek() != UInt8(ascii: "\r") {
                    position += 1
                }
            default: return
            }
        }
    }

    private mutating func word(from start: Int) {
        while peek().isIdentifierPart { position += 1 }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "true": add(.literal(.bool(true)), from: start)
        case "false": add(.literal(.bool(false)), from: start)
        case "null": add(.literal(.null), from: start)
        case "in": add(.symbol(.contained), from: start)
        default: add(Self.reserved.contains(word) ? .reserved(word) : .identifier(word), from: start)
        }
    }

    private mutating func quotedName(from start: Int) throws(ExpressionProblem) {
        position += 1
        while position < bytes.count, peek() != UInt8(ascii: "`") {
            let byte = peek()
            let isAllowed = byte.isIdentifierPart || "./- ".utf8.contains(byte)
            guard isAllowed else {
                position += 1
                throw problem(
                    "a name in backquotes may hold letters, digits, and _ . - / and spaces only", from: start)
            }
            position += 1
        }
        guard position < bytes.count, position > start + 1 else {
            throw problem("a name in backquotes is empty or lacks its closing backquote", from: start)
        }
        let name = String(decoding: bytes[(start + 1)..<position], as: UTF8.self)
        position += 1
        add(.quoted(name), from: start)
    }

    private mutating func symbol() throws(ExpressionProblem) -> Symbol {
        let start = position
        let two = String(decoding: bytes[position..<min(position + 2, bytes.count)], as: UTF8.self)
        if let symbol = Symbol(rawValue: two), two.utf8.count == 2 {
            position += 2
            return symbol
        }
        let one = String(decoding: bytes[position...position], as: UTF8.self)
        if let symbol = Symbol(rawValue: one) {
            position += 1
            return symbol
        }
        // The whole character, not its first byte.
        position += 1
        while position < bytes.count, bytes[position] & 0xC0 == 0x80 { position += 1 }
        let character = String(decoding: bytes[start..<position], as: UTF8.self)
        switch character {
        case "=": throw problem("'=' is no operator; compare with '=='", from: start)
        case "&": throw problem("'&' is no operator; write '&&' for and, math.bitAnd for bits", from: start)
        case "|": throw problem("'|' is no operator; write '||' for or, math.bitOr for bits", from: start)
        case "^": throw problem("'^' is no operator; for bits there is math.bitXor", from: start)
        case "“", "”", "‘", "’":
            throw problem("a typographic quotation mark; write texts in ' or \"", from: start)
        default:
            throw problem("the character '\(character.printable)' is no part of an expression", from: start)
        }
    }
}

extension UInt8 {
    var isDigit: Bool { self >= 0x30 && self <= 0x39 }
    var isIdentifierStart: Bool { self == 0x5F || (self | 0x20 >= 0x61 && self | 0x20 <= 0x7A) }
    var isIdentifierPart: Bool { isIdentifierStart || isDigit }

    /// The value of a hexadecimal digit.
    var hexValue: UInt32? {
        switch self {
        case 0x30...0x39: UInt32(self) - 0x30
        case 0x41...0x46: UInt32(self) - 0x41 + 10
        case 0x61...0x66: UInt32(self) - 0x61 + 10
        default: nil
        }
    }
}

extension String {
    /// The text with control characters written as escapes, cut at 64 characters, for messages.
    var printable: String {
        var result = ""
        for scalar in unicodeScalars.prefix(64) {
            if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return unicodeScalars.count > 64 ? result + "…" : result
    }
}
