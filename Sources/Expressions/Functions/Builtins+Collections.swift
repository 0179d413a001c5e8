extension Builtins {
    /// Size, membership, index and selection.
    static let collections: [Builtin] = [
        Builtin(
            "size", .either,
            [
                .init(.string, to: .int), .init(.bytes, to: .int), .init(.list(.dyn), to: .int),
                .init(.map(.dyn, .dyn), to: .int),
            ]
        ) { arguments, meter throws(EvaluationError) in
            switch arguments[0] {
            case .string(let text):
                try meter.charge(text.utf8.count)
                return .int(Int64(text.unicodeScalars.count))
            case .bytes(let octets): return .int(Int64(octets.count))
            case .list(let elements): return .int(Int64(elements.count))
            case .map(let map): return .int(Int64(map.count))
            default: throw .noOverload("size", arguments)
            }
        },
        Builtin("@in", .global, rule: membership) { arguments, meter throws(EvaluationError) in
            switch arguments[1] {
            case .list(let elements):
                for element in elements {
                    try meter.charge(1)
                    if try arguments[0].equals(element, &meter) { return .bool(true) }
                }
                return .bool(false)
            case .map(let map):
                try meter.charge(reading: arguments[0])
                return .bool(map[arguments[0]] != nil)
            default: throw .noOverload("@in", arguments)
            }
        },
        Builtin("_[_]", .global, rule: element) { arguments, meter throws(EvaluationError) in
            switch arguments[0] {
            case .list(let elements):
                guard let index = index(arguments[1]) else { throw .noOverload("_[_]", arguments) }
                guard elements.indices.contains(index) else {
                    throw EvaluationError(
                        kind: .indexOutOfRange,
                        message: "the list has no element \(index), it has \(elements.count) (from 0)")
                }
                return elements[index]
            case .map(let map):
                try meter.charge(reading: arguments[1])
                return try value(of: arguments[1], in: map)
            default: throw .noOverload("_[_]", arguments)
            }
        },
        Builtin(select, .global, rule: field) { arguments, meter throws(EvaluationError) in
            guard case .map(let map) = arguments[0] else {
                throw EvaluationError(
                    kind: .noSuchOverload, message: "a value of type \(arguments[0].typeName) has no fields")
            }
            try meter.charge(reading: arguments[1])
            return try value(of: arguments[1], in: map)
        },
        Builtin(has, .global, rule: presence) {
            arguments, meter throws(EvaluationError) in
            guard case .map(let map) = arguments[0] else {
                throw EvaluationError(
                    kind: .noSuchOverload, message: "a value of type \(arguments[0].typeName) has no fields")
            }
            try meter.charge(reading: arguments[1])
            return .bool(map[arguments[1]] != nil)
        },
    ]

    /// The names under which a field's selection and test are functions; nobody can write them.
    static let select = "@select"
    static let has = "@has"

    private static func value(of key: Value, in map: ValueMap) throws(EvaluationError) -> Value {
        if let value = map[key] { return value }
        throw EvaluationError(kind: .noSuchKey, message: "the map has no key \(key.short)")
    }

    /// A list's index: an int, or another number that is whole.
    private static func index(_ value: Value) -> Int? {
        switch value {
        case .int(let number): Int(exactly: number)
        case .uint(let number): Int(exactly: number) ?? Int.max
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }

    @Sendable private static func membership(_ types: [ValueType]) -> ValueType? {
        guard types.count == 2 else { return nil }
        switch types[1] {
        case .list(let element): return types[0].fits(element) ? .bool : nil
        case .map(let key, _): return types[0].fits(key) ? .bool : nil
        case .dyn, .never: return .bool
        default: return nil
        }
    }

    @Sendable private static func element(_ types: [ValueType]) -> ValueType? {
        guard types.count == 2 else { return nil }
        switch types[0] {
        case .list(let element): return types[1].fits(.int) ? element : nil
        case .map(let key, let value): return types[1].fits(key) ? value : nil
        case .dyn, .never: return .dyn
        default: return nil
        }
    }

    @Sendable private static func presence(_ types: [ValueType]) -> ValueType? {
        field(types) == nil ? nil : .bool
    }

    @Sendable private static func field(_ types: [ValueType]) -> ValueType? {
        guard types.count == 2 else { return nil }
        switch types[0] {
        case .map(let key, let value): return ValueType.string.fits(key) ? value : nil
        case .dyn, .never: return .dyn
        default: return nil
        }
    }
}

extension Value {
    /// The value for a message: short, texts quoted.
    var short: String {
        switch self {
        case .int(let number): "\(number)"
        case .uint(let number): "\(number)u"
        case .double(let number): "\(number)"
        case .string(let text): "\"\(text.printable)\""
        case .bool(let flag): "\(flag)"
        default: "of type \(typeName)"
        }
    }
}
