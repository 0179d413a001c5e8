extension Value {
    /// CEL's `==`: numbers by value across types, NaN unequal to itself, texts by code points, lists and maps
    /// element by element; values of different kinds are unequal. Spends what is compared.
    func equals(_ other: Value, _ meter: inout Meter) throws(EvaluationError) -> Bool {
        switch (self, other) {
        case (.int(let left), .int(let right)): return left == right
        case (.uint(let left), .uint(let right)): return left == right
        case (.double(let left), .double(let right)): return left == right
        case (.int, .uint), (.int, .double), (.uint, .int), (.uint, .double), (.double, .int),
            (.double, .uint):
            return order(other) == .equal
        case (.string(let left), .string(let right)):
            guard left.utf8.count == right.utf8.count else { return false }
            try meter.charge(left.utf8.count)
            return ExactText.areEqual(left, right)
        case (.bytes(let left), .bytes(let right)):
            guard left.count == right.count else { return false }
            try meter.charge(left.count)
            return left == right
        case (.bool(let left), .bool(let right)): return left == right
        case (.null, .null): return true
        case (.timestamp(let left), .timestamp(let right)): return left == right
        case (.duration(let left), .duration(let right)): return left == right
        case (.type(let left), .type(let right)): return left == right
        case (.list(let left), .list(let right)):
            guard left.count == right.count else { return false }
            for (own, other) in zip(left, right) {
                try meter.charge(1)
                guard try own.equals(other, &meter) else { return false }
            }
            return true
        case (.map(let left), .map(let right)):
            guard left.count == right.count else { return false }
            for entry in left.entries {
                try meter.charge(1)
                try meter.charge(reading: entry.key)
                guard let other = right[entry.key], try entry.value.equals(other, &meter) else {
                    return false
                }
            }
            return true
        default: return false
        }
    }

    /// How one value stands to another.
    enum Order {
        case less
        case equal
        case greater
        /// One of them is NaN.
        case unordered

        init<Number: Comparable>(_ left: Number, _ right: Number) {
            self = left < right ? .less : left > right ? .greater : left == right ? .equal : .unordered
        }

        var reversed: Order {
            switch self {
            case .less: .greater
            case .greater: .less
            default: self
            }
        }
    }

    /// CEL's order; nil where there is none between values of these types.
    func order(_ other: Value) -> Order? {
        switch (self, other) {
        case (.int(let left), .int(let right)): return Order(left, right)
        case (.uint(let left), .uint(let right)): return Order(left, right)
        case (.double(let left), .double(let right)): return Order(left, right)
        case (.int(let left), .uint(let right)): return left < 0 ? .less : Order(UInt64(left), right)
        case (.uint(let left), .int(let right)): return right < 0 ? .greater : Order(left, UInt64(right))
        case (.int(let left), .double(let right)): return Self.order(left, right)
        case (.double(let left), .int(let right)): return Self.order(right, left).reversed
        case (.uint(let left), .double(let right)): return Self.order(left, right)
        case (.double(let left), .uint(let right)): return Self.order(right, left).reversed
        case (.string(let left), .string(let right)):
            return ExactText.areEqual(left, right) ? .equal : ExactText.isLess(left, right) ? .less : .greater
        case (.bytes(let left), .bytes(let right)):
            return left == right ? .equal : left.lexicographicallyPrecedes(right) ? .less : .greater
        case (.bool(let left), .bool(let right)): return Order(left ? 1 : 0, right ? 1 : 0)
        case (.timestamp(let left), .timestamp(let right)): return Order(left, right)
        case (.duration(let left), .duration(let right)): return Order(left, right)
        default: return nil
        }
    }

    /// A whole number against a double, the whole number rounded to a double first, as CEL's conformance cases
    /// have it (9223372036854775807 equals 9223372036854775808.0).
    private static func order(_ left: some FixedWidthInteger, _ right: Double) -> Order {
        Order(Double(left), right)
    }
}
