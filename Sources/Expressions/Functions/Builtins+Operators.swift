extension Builtins {
    /// Arithmetic on values whose types are only known at evaluation, and on texts, lists and times.
    static let operators: [Builtin] = [
        Builtin("_+_", .global, rule: addition) { arguments, meter throws(EvaluationError) in
            try add(arguments[0], arguments[1], &meter)
        },
        Builtin(
            "_-_", .global,
            numeric + [
                .init(.timestamp, .timestamp, to: .duration), .init(.timestamp, .duration, to: .timestamp),
                .init(.duration, .duration, to: .duration),
            ]
        ) { arguments, _ throws(EvaluationError) in try subtract(arguments[0], arguments[1]) },
        Builtin("_*_", .global, numeric) { arguments, _ throws(EvaluationError) in
            switch (arguments[0], arguments[1]) {
            case (.double(let left), .double(let right)): return .double(left * right)
            case (.int(let left), .int(let right)):
                return .int(try checked(left.multipliedReportingOverflow(by: right)))
            case (.uint(let left), .uint(let right)):
                return .uint(try checked(left.multipliedReportingOverflow(by: right)))
            default: throw .noOverload("_*_", arguments)
            }
        },
        Builtin("_/_", .global, numeric) { arguments, _ throws(EvaluationError) in
            switch (arguments[0], arguments[1]) {
            case (.double(let left), .double(let right)): return .double(left / right)
            case (.int(let left), .int(let right)):
                if right == 0 { throw .divisionByZero }
                return .int(try checked(left.dividedReportingOverflow(by: right)))
            case (.uint(let left), .uint(let right)):
                if right == 0 { throw .divisionByZero }
                return .uint(left / right)
            default: throw .noOverload("_/_", arguments)
            }
        },
        Builtin(
            "_%_", .global, [.init(.int, .int, to: .int), .init(.uint, .uint, to: .uint)]
        ) { arguments, _ throws(EvaluationError) in
            switch (arguments[0], arguments[1]) {
            case (.int(let left), .int(let right)):
                if right == 0 { throw .remainderByZero }
                return .int(try checked(left.remainderReportingOverflow(dividingBy: right)))
            case (.uint(let left), .uint(let right)):
                if right == 0 { throw .remainderByZero }
                return .uint(left % right)
            default: throw .noOverload("_%_", arguments)
            }
        },
        Builtin("-_", .global, [.init(.int, to: .int), .init(.double, to: .double)]) {
            arguments, _ throws(EvaluationError) in
            switch arguments[0] {
            case .double(let number): return .double(-number)
            case .int(let number):
                return .int(try checked(Int64(0).subtractingReportingOverflow(number)))
            default: throw .noOverload("-_", arguments)
            }
        },
        Builtin("!_", .global, [.init(.bool, to: .bool)]) { arguments, _ throws(EvaluationError) in
            guard case .bool(let flag) = arguments[0] else { throw .noOverload("!_", arguments) }
            return .bool(!flag)
        },
    ]

    private static let numeric: [Builtin.Signature] = [
        .init(.int, .int, to: .int), .init(.uint, .uint, to: .uint), .init(.double, .double, to: .double),
    ]

    /// The type of a sum.
    @Sendable private static func addition(_ types: [ValueType]) -> ValueType? {
        guard types.count == 2 else { return nil }
        switch (types[0], types[1]) {
        case (.list(let left), .list(let right)): return .list(left.joined(with: right))
        case (.timestamp, .duration), (.duration, .timestamp): return .timestamp
        case (.dyn, .dyn), (.never, _), (_, .never): return .dyn
        case (.dyn, let other), (let other, .dyn):
            switch other {
            case .int, .uint, .double, .string, .bytes, .timestamp: return other
            case .list: return .list(.dyn)
            case .duration: return .dyn
            default: return nil
            }
        case (let left, let right) where left == right:
            switch left {
            case .int, .uint, .double, .string, .bytes, .duration: return left
            default: return nil
            }
        default: return nil
        }
    }

    private static func add(
        _ left: Value, _ right: Value, _ meter: inout Meter
    ) throws(EvaluationError) -> Value {
        switch (left, right) {
        case (.double(let left), .double(let right)): return .double(left + right)
        case (.int(let left), .int(let right)): return .int(try checked(left.addingReportingOverflow(right)))
        case (.uint(let left), .uint(let right)):
            return .uint(try checked(left.addingReportingOverflow(right)))
        case (.string(let left), .string(let right)):
            try meter.charge(left.utf8.count + right.utf8.count)
            return .string(left + right)
        case (.bytes(let left), .bytes(let right)):
            try meter.charge(left.count + right.count)
            return .bytes(left + right)
        case (.list(let left), .list(let right)):
            try meter.charge(reading: .list(left))
            try meter.charge(reading: .list(right))
            return .list(left + right)
        case (.timestamp(let time), .duration(let span)), (.duration(let span), .timestamp(let time)):
            return .timestamp(try time.advanced(by: span.nanoseconds))
        case (.duration(let left), .duration(let right)):
            return .duration(
                TimeSpan(
                    nanoseconds: try checked(
                        left.nanoseconds.addingReportingOverflow(right.nanoseconds), "duration")))
        default: throw .noOverload("_+_", [left, right])
        }
    }

    private static func subtract(_ left: Value, _ right: Value) throws(EvaluationError) -> Value {
        switch (left, right) {
        case (.double(let left), .double(let right)): return .double(left - right)
        case (.int(let left), .int(let right)):
            return .int(try checked(left.subtractingReportingOverflow(right)))
        case (.uint(let left), .uint(let right)):
            return .uint(try checked(left.subtractingReportingOverflow(right)))
        case (.timestamp(let left), .timestamp(let right)): return .duration(try left.since(right))
        case (.timestamp(let time), .duration(let span)):
            return .timestamp(try time.retreated(by: span.nanoseconds))
        case (.duration(let left), .duration(let right)):
            return .duration(
                TimeSpan(
                    nanoseconds: try checked(
                        left.nanoseconds.subtractingReportingOverflow(right.nanoseconds), "duration")))
        default: throw .noOverload("_-_", [left, right])
        }
    }

    /// The result of a calculation, unless it overflows.
    static func checked<Number>(
        _ result: (partialValue: Number, overflow: Bool), _ what: String = "integer"
    ) throws(EvaluationError) -> Number {
        if result.overflow { throw .overflow(what) }
        return result.partialValue
    }
}

extension EvaluationError {
    static let divisionByZero = EvaluationError(kind: .divisionByZero, message: "division by zero")
    static let remainderByZero = EvaluationError(
        kind: .divisionByZero, message: "remainder of a division by zero")

    static func overflow(_ what: String) -> EvaluationError {
        .range("\(what) overflow: the result exceeds the range of 64 bits")
    }
}
