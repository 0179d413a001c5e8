/// Reads one JSON text in one pass: what it costs grows with the bytes, and it nests no deeper than its limit.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let depth: Int
    private(set) var position = 0
    private var level = 0

    /// No sensible number is longer; reading the digits of a longer one may take more than linear time.
    private static let longestNumber = 1_024

    private init(_ bytes: UnsafeBufferPointer<UInt8>, depth: Int) {
        self.bytes = bytes
        self.depth = depth
    }

    /// Reads a whole text by a closure, without a copy of the bytes where they lie in one piece.
    static func read<Result>(
        _ bytes: some Sequence<UInt8>, limits: JSONLimits,
        _ read: (inout JSONParser) throws(JSONError) -> Result
    ) throws(JSONError) -> Result {
        let attempt = { (buffer: UnsafeBufferPointer<UInt8>) -> Swift.Result<Result, JSONError> in
            do throws(JSONError) {
                return .success(try parse(buffer, limits: limits, read))
            } catch {
                return .failure(error)
            }
        }
        if let result = bytes.withContiguousStorageIfAvailable(attempt) { return try result.get() }
        return try Array(bytes).withUnsafeBufferPointer(attempt).get()
    }

    private static func parse<Result>(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits,
        _ read: (inout JSONParser) throws(JSONError) -> Result
    ) throws(JSONError) -> Result {
        if bytes.count > limits.bytes {
            throw JSONError(.size, "\(bytes.count) bytes are more than \(limits.bytes)", at: limits.bytes)
        }
        var parser = JSONParser(bytes, depth: min(limits.depth, JSONLimits.deepest))
        let value = try read(&parser)
        parser.skipSpace()
        if parser.position < bytes.count { throw parser.unexpected("after the end of the value") }
        return value
    }

    mutating func value() throws(JSONError) -> JSONValue {
        skipSpace()
        guard position < bytes.count else { throw unexpected("where a value belongs") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw unexpected("where a value belongs")
        }
    }

    private mutating func object() throws(JSONError) -> [String: JSONValue] {
        try enter()
        var object: [String: JSONValue] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) {
            leave()
            return object
        }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw unexpected("where a key belongs")
            }
            let start = position
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw unexpected("where a colon belongs") }
            if object.updateValue(try value(), forKey: key) != nil {
                throw JSONError(.invalid, "the key \"\(key.prefix(64))\" is there twice", at: start)
            }
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw unexpected("where a comma or } belongs") }
            leave()
            return object
        }
    }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        try enter()
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) {
            leave()
            return elements
        }
        while true {
            elements.append(try value())
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw unexpected("where a comma or ] belongs") }
            leave()
            return elements
        }
    }

    mutating func enter() throws(JSONError) {
        level += 1
        if level > depth {
            throw JSONError(.depth, "arrays and objects are nested deeper than \(depth) levels", at: position)
        }
        position += 1
    }

    /// Leaves what ``enter()`` entered.
    mutating func leave() { level -= 1 }

    /// The next byte that is no space; nil at the end.
    mutating func peek() -> UInt8? {
        skipSpace()
        return position < bytes.count ? bytes[position] : nil
    }

    mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        var seen: UInt8 = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let slice = UnsafeBufferPointer(rebasing: bytes[start..<position])
                position += 1
                return try Self.text(slice, isASCII: seen < 0x80, at: start)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            if byte < 0x20 { throw unexpected("within a text") }
            seen |= byte
            position += 1
        }
        throw unexpected("within a text")
    }

    private static func text(
        _ bytes: UnsafeBufferPointer<UInt8>, isASCII: Bool, at offset: Int
    ) throws(JSONError) -> String {
        if isASCII { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JSONError(.encoding, "a text is not UTF-8", at: offset)
        }
        return text
    }

    /// The slow way: `position` is at the first backslash.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var text = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                let isASCII = text.allSatisfy { $0 < 0x80 }
                var result = ""
                var failure: JSONError?
                text.withUnsafeBufferPointer { buffer in
                    do throws(JSONError) {
                        result = try Self.text(buffer, isASCII: isASCII, at: start)
                    } catch {
                        failure = error
                    }
                }
                if let failure { throw failure }
                return result
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &text)
            case 0..<0x20: throw unexpected("within a text")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw unexpected("within a text")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard position < bytes.count else { throw unexpected("after a backslash") }
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            let scalar = try escapedScalar()
            text.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
            return
        default: throw unexpected("after a backslash")
        }
        position += 1
    }

    /// Reads what follows `\u`, and the second half of a surrogate pair.
    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        let start = position
        let first = try hexadecimal()
        var code = UInt32(first)
        if 0xD800..<0xDC00 ~= first {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw JSONError(.invalid, "half of a surrogate pair", at: start)
            }
            let second = try hexadecimal()
            guard 0xDC00..<0xE000 ~= second else {
                throw JSONError(.invalid, "half of a surrogate pair", at: start)
            }
            code = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw JSONError(.invalid, "half of a surrogate pair", at: start)
        }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt16 {
        var number: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw unexpected("within \\u") }
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw unexpected("within \\u")
            }
            number = number << 4 | UInt16(digit)
            position += 1
        }
        return number
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let isNegative = take(UInt8(ascii: "-"))
        var whole: Int64 = 0
        var fits = true
        let digits = position
        while position < bytes.count, bytes[position].isDigit {
            let digit = Int64(bytes[position] - UInt8(ascii: "0"))
            let (product, isTooLarge) = whole.multipliedReportingOverflow(by: 10)
            let (sum, isBeyond) =
                isNegative
                ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if isTooLarge || isBeyond { fits = false }
            whole = sum
            position += 1
        }
        let count = position - digits
        if count == 0 { throw unexpected("where a digit belongs") }
        if count > 1, bytes[digits] == UInt8(ascii: "0") {
            throw JSONError(.invalid, "a number begins with a zero", at: start)
        }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try moreDigits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try moreDigits()
        }
        if isWhole, fits { return .integer(whole) }
        guard position - start <= Self.longestNumber else {
            throw JSONError(.invalid, "a number of more than \(Self.longestNumber) characters", at: start)
        }
        guard let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)), number.isFinite
        else { throw JSONError(.invalid, "a number out of range", at: start) }
        return .number(number)
    }

    private mutating func moreDigits() throws(JSONError) {
        let start = position
        while position < bytes.count, bytes[position].isDigit { position += 1 }
        if position == start { throw unexpected("where a digit belongs") }
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        let length = word.utf8CodeUnitCount
        guard bytes.count - position >= length,
            (0..<length).allSatisfy({ bytes[position + $0] == word.utf8Start[$0] })
        else { throw unexpected("where a value belongs") }
        position += length
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    func unexpected(_ place: String) -> JSONError {
        guard position < bytes.count else {
            return JSONError(.invalid, "the text ends \(place)", at: position)
        }
        let byte = bytes[position]
        if byte >= 0x80 {
            let start = UnsafeBufferPointer(rebasing: bytes[position..<min(position + 4, bytes.count)])
            var decoder = UTF8()
            var bytes = start.makeIterator()
            if case .error = decoder.decode(&bytes) {
                return JSONError(.encoding, "a byte that is not UTF-8", at: position)
            }
        }
        let shown = byte > 0x20 && byte < 0x7F ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
        return JSONError(.invalid, "\(shown) \(place)", at: position)
    }
}

extension UInt8 {
    /// Whether this is one of 0 to 9 in ASCII.
    fileprivate var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }
}
