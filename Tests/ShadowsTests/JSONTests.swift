import Shadows
import TestSupport
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "01", "-", "1.", ".5", "1e", "+1", "tru",
        "nul", "\"",
        "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\u{1}\"", "1 2",
        "[1] ]", "NaN",
        "Infinity", "1e999", "'a'", "{\"a\":1,\"a\":2}", "{\"e\u{301}\":1,\"\u{e9}\":2}", "\u{feff}1", "[1}",
        "{\"a\":1]",
    ])
    func whatIsNoJSONIsRefused(text: String) throws {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error?.kind == .invalid)
    }

    @Test func badEncodingIsToldApart() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0xFF, 0xFE, 0x7B, 0],
            [0x22, 0xE2, 0x82, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22],
        ] {
            let error = #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
            #expect(error?.kind == .encoding, "\(bytes)")
        }
    }

    @Test func valuesAreRead() throws {
        let cases: [(String, JSONValue)] = [
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("-0", .integer(0)),
            ("-0.0", .number(-0.0)),
            ("1E2", .number(100)), ("1.0", .number(1)), ("5e-324", .number(.leastNonzeroMagnitude)),
            ("1e-999", .number(0)),
            (" [ 1 , true , null ] ", .array([.integer(1), .bool(true), .null])),
            ("\"\\u00e9\\ud83d\\ude00\\n\\/\"", .string("é😀\n/")), ("\"é😀\"", .string("é😀")),
            ("\"\\u0000\"", .string("\0")), ("{\"\":{}}", .object(["": .object([:])])),
        ]
        for (text, value) in cases { #expect(try JSONValue(parsing: text) == value, "\(text)") }
    }

    @Test func keysAreSortedAndTextsEscaped() {
        let value = JSONValue.object([
            "b": .integer(-12), "a\"\\\u{1}\n": .number(1.5), "ä": .number(.infinity),
        ])
        #expect(value.text == #"{"a\"\\\u0001\n":1.5,"b":-12,"ä":null}"#)
        #expect(JSONValue.integer(.min).text == "-9223372036854775808")
    }

    @Test func numbersAreComparedByValueAndTextsByBytes() throws {
        #expect(JSONValue.integer(1).isSame(as: .number(1)))
        #expect(JSONValue.array([.integer(1)]).isSame(as: .array([.number(1)])))
        #expect(!JSONValue.integer(9_007_199_254_740_993).isSame(as: .number(9_007_199_254_740_992)))
        #expect(!JSONValue.integer(.max).isSame(as: .number(9_223_372_036_854_775_808)))
        #expect(!JSONValue.integer(1).isSame(as: .bool(true)))
        #expect(!JSONValue.string("é").isSame(as: .string("e\u{301}")))
        #expect(!JSONValue.object(["a": .null]).isSame(as: .object(["b": .null])))
    }

    @Test func nestingIsBounded() {
        let nested = { (levels: Int) in
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        let limits = JSONLimits(bytes: 1_000_000, depth: 5)
        #expect(throws: Never.self) { try JSONValue(parsing: nested(5), limits: limits) }
        #expect((try? JSONValue(parsing: nested(5), limits: limits))?.depth == 5)
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: nested(6), limits: limits) }
        #expect(error?.kind == .depth)
        // However deep: it ends at the limit, not with the stack.
        let deep = JSONLimits(bytes: 1_000_000, depth: 1_000_000)
        let bottomless = String(repeating: "[", count: 500_000)
        #expect(throws: JSONError.self) { try JSONValue(parsing: bottomless, limits: deep) }
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: "[1]", limits: JSONLimits(bytes: 2, depth: 5))
        }
    }

    @Test func whatIsWrittenIsReadTheSame() throws {
        var random = SeededGenerator(seed: 31)
        for _ in 0..<2_000 {
            let value = JSONValue.random(depth: 4, using: &random)
            #expect(try JSONValue(parsing: value.bytes) == value)
            #expect(try JSONValue(parsing: value.text).bytes == value.bytes)
        }
    }

    @Test func nothingThatIsDamagedBreaksTheParser() {
        var random = SeededGenerator(seed: 32)
        var refused = 0
        for _ in 0..<5_000 {
            var bytes = JSONValue.random(depth: 3, using: &random).bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                if Bool.random(using: &random) {
                    bytes.remove(at: index)
                } else {
                    bytes[index] = UInt8.random(in: 0...255, using: &random)
                }
            }
            if let value = try? JSONValue(parsing: bytes) {
                #expect((try? JSONValue(parsing: value.bytes)) == value)
            } else {
                refused += 1
            }
        }
        #expect(refused > 1_000)
    }
}

extension JSONValue {
    /// A random value whose numbers and texts are of all kinds.
    static func random(depth: Int, using random: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2:
            return .integer(
                Int64(truncatingIfNeeded: random.next() >> UInt64.random(in: 0..<64, using: &random)))
        case 3: return .integer(.random(in: -9...9, using: &random))
        case 4:
            let number = Double(bitPattern: random.next())
            return .number(number.isFinite ? number : 0.5)
        case 5: return .string(text(using: &random))
        case 6:
            let count = Int.random(in: 0...3, using: &random)
            return .array((0..<count).map { _ in .random(depth: depth - 1, using: &random) })
        default: return .object(members(depth: depth - 1, using: &random))
        }
    }

    static func members(depth: Int, using random: inout SeededGenerator) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            members[text(using: &random)] = .random(depth: depth, using: &random)
        }
        return members
    }

    private static func text(using random: inout SeededGenerator) -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "b", "\"", "\\", "\n", "\u{0}", "\u{1f}", "\u{7f}", "é", "☂", "😀", "/",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            text.unicodeScalars.append(scalars.randomElement(using: &random)!)
        }
        return text
    }
}
