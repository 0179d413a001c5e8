extension Builtins {
    /// The math library's functions on the bits of integers.
    static let bits: [Builtin] = [
        pair("math.bitAnd", { $0 & $1 }, { $0 & $1 }),
        pair("math.bitOr", { $0 | $1 }, { $0 | $1 }),
        pair("math.bitXor", { $0 ^ $1 }, { $0 ^ $1 }),
        Builtin("math.bitNot", .global, [.init(.int, to: .int), .init(.uint, to: .uint)]) {
            arguments, _ throws(EvaluationError) in
            switch arguments[0] {
            case .int(let number): return .int(~number)
            case .uint(let number): return .uint(~number)
            default: throw .noOverload("math.bitNot", arguments)
            }
        },
        shift("math.bitShiftLeft", { $0 << $1 }, { $0 << $1 }),
        // The sign is no part of it: zeros come in from the left.
        shift("math.bitShiftRight", { Int64(bitPattern: UInt64(bitPattern: $0) >> $1) }, { $0 >> $1 }),
    ]

    private static func pair(
        _ name: String, _ signed: @escaping @Sendable (Int64, Int64) -> Int64,
        _ unsigned: @escaping @Sendable (UInt64, UInt64) -> UInt64
    ) -> Builtin {
        Builtin(name, .global, [.init(.int, .int, to: .int), .init(.uint, .uint, to: .uint)]) {
            arguments, _ throws(EvaluationError) in
            switch (arguments[0], arguments[1]) {
            case (.int(let left), .int(let right)): return .int(signed(left, right))
            case (.uint(let left), .uint(let right)): return .uint(unsigned(left, right))
            default: throw .noOverload(name, arguments)
            }
        }
    }

    private static func shift(
        _ name: String, _ signed: @escaping @Sendable (Int64, Int64) -> Int64,
        _ unsigned: @escaping @Sendable (UInt64, Int64) -> UInt64
    ) -> Builtin {
        Builtin(name, .global, [.init(.int, .int, to: .int), .init(.uint, .int, to: .uint)]) {
            arguments, _ throws(EvaluationError) in
            guard case .int(let count) = arguments[1] else { throw .noOverload(name, arguments) }
            if count < 0 { throw .invalid("\(name) takes a shift of at least 0, not \(count)") }
            switch arguments[0] {
            case .int(let number): return .int(count > 63 ? 0 : signed(number, count))
            case .uint(let number): return .uint(count > 63 ? 0 : unsigned(number, count))
            default: throw .noOverload(name, arguments)
            }
        }
    }
}
