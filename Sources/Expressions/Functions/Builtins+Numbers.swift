// For the C library's rounding functions, which the standard library calls.
import FoundationEssentials

extension Builtins {
    /// The math library without its functions on bits.
    static let numbers: [Builtin] = [
        extreme("math.greatest", .greater),
        extreme("math.least", .less),
        Builtin("math.abs", .global, sameNumber) { arguments, _ throws(EvaluationError) in
            switch arguments[0] {
            case .double(let number): return .double(number.magnitude)
            case .uint: return arguments[0]
            case .int(let number):
                if number == .min { throw .overflow("integer") }
                return .int(abs(number))
            default: throw .noOverload("math.abs", arguments)
            }
        },
        Builtin("math.sign", .global, sameNumber) { arguments, _ throws(EvaluationError) in
            switch arguments[0] {
            case .double(let number):
                return .double(number > 0 ? 1 : number < 0 ? -1 : number.isNaN ? .nan : 0)
            case .uint(let number): return .uint(number > 0 ? 1 : 0)
            case .int(let number): return .int(number.signum())
            default: throw .noOverload("math.sign", arguments)
            }
        },
        rounding("math.ceil") { $0.rounded(.up) },
        rounding("math.floor") { $0.rounded(.down) },
        rounding("math.round") { $0.rounded(.toNearestOrAwayFromZero) },
        rounding("math.trunc") { $0.rounded(.towardZero) },
        Builtin(
            "math.sqrt", .global,
            [.init(.double, to: .double), .init(.int, to: .double), .init(.uint, to: .double)]
        ) { arguments, _ throws(EvaluationError) in
            switch arguments[0] {
            case .double, .int, .uint: return .double(arguments[0].asDouble.squareRoot())
            default: throw .noOverload("math.sqrt", arguments)
            }
        },
        property("math.isNaN") { $0.isNaN },
        property("math.isInf") { $0.isInfinite },
        property("math.isFinite") { $0.isFinite },
    ]

    private static let sameNumber: [Builtin.Signature] = [
        .init(.double, to: .double), .init(.int, to: .int), .init(.uint, to: .uint),
    ]

    private static func rounding(_ name: String, _ change: @escaping @Sendable (Double) -> Double) -> Builtin
    {
        Builtin(name, .global, [.init(.double, to: .double)]) { arguments, _ throws(EvaluationError) in
            guard case .double(let number) = arguments[0] else { throw .noOverload(name, arguments) }
            return .double(change(number))
        }
    }

    private static func property(_ name: String, _ holds: @escaping @Sendable (Double) -> Bool) -> Builtin {
        Builtin(name, .global, [.init(.double, to: .bool)]) { arguments, _ throws(EvaluationError) in
            guard case .double(let number) = arguments[0] else { throw .noOverload(name, arguments) }
            return .bool(holds(number))
        }
    }

    /// The greatest or least of one or more numbers, or of the elements of one list. Of equal ones the first.
    private static func extreme(_ name: String, _ wanted: Value.Order) -> Builtin {
        Builtin(name, .global, rule: extremeType) { arguments, meter throws(EvaluationError) in
            var values = Array(arguments)
            if values.count == 1, case .list(let elements) = values[0] { values = elements }
            try meter.charge(values.count)
            guard var best = values.first else { throw .invalid("\(name) needs at least one number") }
            for value in values {
                switch value {
                case .int, .uint, .double: break
                default: throw .noOverload(name, arguments)
                }
                if value.order(best) == wanted { best = value }
            }
            return best
        }
    }

    @Sendable private static func extremeType(_ types: [ValueType]) -> ValueType? {
        func number(_ type: ValueType) -> Bool { type.isNumeric || type == .dyn || type == .never }
        if types.count == 1, case .list(let element) = types[0] { return number(element) ? element : nil }
        return !types.isEmpty && types.allSatisfy(number) ? ValueType.join(types) : nil
    }
}
