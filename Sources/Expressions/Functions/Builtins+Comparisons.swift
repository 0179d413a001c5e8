extension Builtins {
    /// Equality and order on values that are not plain numbers of one type.
    static let comparisons: [Builtin] = [
        Builtin("_==_", .global, rule: equality) { arguments, meter throws(EvaluationError) in
            .bool(try arguments[0].equals(arguments[1], &meter))
        },
        Builtin("_!=_", .global, rule: equality) { arguments, meter throws(EvaluationError) in
            .bool(try arguments[0].equals(arguments[1], &meter) == false)
        },
        ordering("_<_") { $0 == .less },
        ordering("_<=_") { $0 == .less || $0 == .equal },
        ordering("_>_") { $0 == .greater },
        ordering("_>=_") { $0 == .greater || $0 == .equal },
    ]

    @Sendable private static func equality(_ types: [ValueType]) -> ValueType? {
        types.count == 2 && types[0].fits(types[1]) ? .bool : nil
    }

    private static func ordering(
        _ name: String, _ holds: @escaping @Sendable (Value.Order) -> Bool
    ) -> Builtin {
        let same: [Builtin.Signature] = [ValueType.string, .bytes, .bool, .timestamp, .duration].map {
            .init($0, $0, to: .bool)
        }
        // Numbers are ordered across types.
        let numbers: [ValueType] = [.int, .uint, .double]
        let mixed = numbers.flatMap { left in numbers.map { Builtin.Signature(left, $0, to: .bool) } }
        return Builtin(name, .global, same + mixed) { arguments, meter throws(EvaluationError) in
            guard let order = arguments[0].order(arguments[1]) else { throw .noOverload(name, arguments) }
            // Only texts and octets, of which there is an order, cost; lists have none.
            try meter.charge(reading: arguments[0])
            return .bool(holds(order))
        }
    }
}
