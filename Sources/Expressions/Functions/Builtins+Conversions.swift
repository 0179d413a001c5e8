extension Builtins {
    /// Conversions between types, `type` and `dyn`.
    static let conversions: [Builtin] = [
        conversion("int", from: [.int, .uint, .double, .string, .timestamp], to: .int) {
            value, _ throws(EvaluationError) in
            switch value {
            case .int: return value
            case .uint(let number):
                guard let whole = Int64(exactly: number) else { throw .conversion("\(number)u", "int") }
                return .int(whole)
            case .double(let number):
                // Bounds as in CEL's reference implementation: the largest doubles below 2^63 only.
                guard number > -0x1p63, number < 0x1p63 else { throw .conversion("\(number)", "int") }
                return .int(Int64(number))
            case .string(let text):
                guard let number = wholeNumber(text, as: Int64.self) else {
                    throw .invalid("\(value.short) is no int: write digits, such as \"42\"")
                }
                return .int(number)
            case .timestamp(let time): return .int(time.seconds)
            default: throw .noOverload("int", CollectionOfOne(value))
            }
        },
        conversion("uint", from: [.int, .uint, .double, .string], to: .uint) {
            value, _ throws(EvaluationError) in
            switch value {
            case .uint: return value
            case .int(let number):
                guard let whole = UInt64(exactly: number) else { throw .conversion("\(number)", "uint") }
                return .uint(whole)
            case .double(let number):
                guard number > -1, number < 0x1p64 else { throw .conversion("\(number)", "uint") }
                if number < 0 { throw .conversion("\(number)", "uint") }
                return .uint(UInt64(number))
            case .string(let text):
                guard let number = wholeNumber(text, as: UInt64.self) else {
                    throw .invalid("\(value.short) is no uint: write digits, such as \"42\"")
                }
                return .uint(number)
            default: throw .noOverload("uint", CollectionOfOne(value))
            }
        },
        conversion("double", from: [.int, .uint, .double, .string], to: .double) {
            value, _ throws(EvaluationError) in
            switch value {
            case .double: return value
            case .int(let number): return .double(Double(number))
            case .uint(let number): return .double(Double(number))
            case .string(let text):
                guard let number = DoubleText.parse(text) else {
                    throw .invalid("\(value.short) is no double: write a number, such as \"1.5\" or \"6e-3\"")
                }
                return .double(number)
            default: throw .noOverload("double", CollectionOfOne(value))
            }
        },
        conversion(
            "string", from: [.int, .uint, .double, .string, .bytes, .bool, .timestamp, .duration], to: .string
        ) { value, meter throws(EvaluationError) in
            if case .string = value { return value }
            // More than the digits of any number and the parts of any time take.
            try meter.charge(2 * DoubleText.cost)
            switch value {
            case .int(let number): return .string("\(number)")
            case .uint(let number): return .string("\(number)")
            case .double(let number): return .string(DoubleText.plain(number))
            case .bool(let flag): return .string(flag ? "true" : "false")
            case .bytes(let octets):
                try meter.charge(octets.count)
                guard let text = String(validating: octets, as: UTF8.self) else {
                    throw .invalid("the octets are no valid UTF-8, so they cannot become a string")
                }
                return .string(text)
            case .timestamp(let time): return .string(time.text)
            case .duration(let span): return .string(span.text)
            default: throw .noOverload("string", CollectionOfOne(value))
            }
        },
        conversion("bytes", from: [.string, .bytes], to: .bytes) { value, meter throws(EvaluationError) in
            switch value {
            case .bytes: return value
            case .string(let text):
                try meter.charge(text.utf8.count)
                return .bytes(Array(text.utf8))
            default: throw .noOverload("bytes", CollectionOfOne(value))
            }
        },
        conversion("bool", from: [.bool, .string], to: .bool) { value, _ throws(EvaluationError) in
            switch value {
            case .bool: return value
            case .string("1"), .string("t"), .string("T"), .string("true"), .string("TRUE"), .string("True"):
                return .bool(true)
            case .string("0"), .string("f"), .string("F"), .string("false"), .string("FALSE"),
                .string("False"):
                return .bool(false)
            case .string: throw .invalid("\(value.short) is no bool: write \"true\" or \"false\"")
            default: throw .noOverload("bool", CollectionOfOne(value))
            }
        },
        conversion("timestamp", from: [.string, .int, .timestamp], to: .timestamp) {
            value, _ throws(EvaluationError) in
            switch value {
            case .timestamp: return value
            case .int(let seconds):
                guard let time = Timestamp(seconds: seconds) else { throw .timestampRange }
                return .timestamp(time)
            case .string(let text): return .timestamp(try Timestamp.parse(text))
            default: throw .noOverload("timestamp", CollectionOfOne(value))
            }
        },
        conversion("duration", from: [.string, .duration], to: .duration) {
            value, _ throws(EvaluationError) in
            switch value {
            case .duration: return value
            case .string(let text): return .duration(try TimeSpan.parse(text))
            default: throw .noOverload("duration", CollectionOfOne(value))
            }
        },
        Builtin(
            "type", .global, rule: { $0.count == 1 ? .type : nil },
            body: { arguments, _ throws(EvaluationError) in .type(arguments[0].typeName) }),
        Builtin(
            "dyn", .global, rule: { $0.count == 1 ? .dyn : nil },
            body: { arguments, _ throws(EvaluationError) in arguments[0] }),
    ]

    /// Conversions whose failure on a constant text is a mistake of the writer, reported when the expression is
    /// checked.
    static let checkedConversions: Set<String> = [
        "int", "uint", "double", "bool", "timestamp", "duration",
    ]

    private static func conversion(
        _ name: String, from sources: [ValueType], to result: ValueType,
        _ body: @escaping @Sendable (Value, inout Meter) throws(EvaluationError) -> Value
    ) -> Builtin {
        Builtin(name, .global, sources.map { .init($0, to: result) }) {
            arguments, meter throws(EvaluationError) in
            if case .string(let text) = arguments[0] { try meter.charge(text.utf8.count) }
            return try body(arguments[0], &meter)
        }
    }

    /// A whole number of decimal digits with a sign, nothing else.
    private static func wholeNumber<Number: FixedWidthInteger>(_ text: String, as type: Number.Type)
        -> Number?
    {
        guard text.utf8.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") })
        else {
            return nil
        }
        return Number(text)
    }
}

extension EvaluationError {
    static func conversion(_ number: String, _ type: String) -> EvaluationError {
        .range("\(number) is out of the range of \(type)")
    }

    static let timestampRange = EvaluationError.range(
        "timestamp out of range: years are 1 to 9999")
}
