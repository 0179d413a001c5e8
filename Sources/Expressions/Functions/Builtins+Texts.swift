extension Builtins {
    /// CEL's standard functions on texts, and those of the strings library that find and cut. Positions count
    /// Unicode scalars from 0.
    static let texts: [Builtin] = [
        test("contains") { find($1, in: $0, from: 0) != nil },
        test("startsWith") { $0.starts(with: $1) },
        test("endsWith") { $0.count >= $1.count && $0.suffix($1.count).elementsEqual($1) },
        Builtin("matches", .either, [.init(.string, .string, to: .bool)]) {
            arguments, meter throws(EvaluationError) in
            guard case .string(let text) = arguments[0], case .string(let pattern) = arguments[1] else {
                throw .noOverload("matches", arguments)
            }
            try meter.charge(pattern.utf8.count)
            let automaton: Pattern
            do throws(EvaluationError) {
                automaton = try Pattern(pattern)
            } catch {
                // One that is refused may have taken as long as the largest; `exists` would try the next.
                try meter.charge(Pattern.refusalCost)
                throw error
            }
            try meter.charge(automaton.buildingCost)
            return .bool(try automaton.matches(text, &meter))
        },
        Builtin("charAt", .member, [.init(.string, .int, to: .string)]) {
            arguments, meter throws(EvaluationError) in
            guard arguments.count == 2, case .string(let text) = arguments[0],
                case .int(let index) = arguments[1]
            else { throw .noOverload("charAt", arguments) }
            let scalars = try scalars(text, &meter)
            let position = try position(index, in: scalars.count)
            return .string(position < scalars.count ? string(scalars[position...position]) : "")
        },
        Builtin("indexOf", .member, finding) { arguments, meter throws(EvaluationError) in
            let (text, part, index) = try findArguments("indexOf", arguments, &meter)
            let start = try position(index ?? 0, in: text.count)
            return .int(find(part, in: text, from: start).map(Int64.init) ?? -1)
        },
        Builtin("lastIndexOf", .member, finding) { arguments, meter throws(EvaluationError) in
            let (text, part, index) = try findArguments("lastIndexOf", arguments, &meter)
            // Without an index the search begins at the end; an index has to lie within the text.
            let last = text.count - part.count
            let start = min(
                try index.map { index throws(EvaluationError) in try position(index, in: text.count) }
                    ?? last, last)
            if start < 0 { return .int(-1) }
            for candidate in stride(from: start, through: 0, by: -1)
            where text[candidate...].starts(with: part) {
                return .int(Int64(candidate))
            }
            return .int(-1)
        },
        Builtin(
            "substring", .member,
            [.init(.string, .int, to: .string), .init(.string, .int, .int, to: .string)]
        ) { arguments, meter throws(EvaluationError) in
            guard (2...3).contains(arguments.count), case .string(let text) = arguments[0],
                case .int(let first) = arguments[1]
            else { throw .noOverload("substring", arguments) }
            let scalars = try scalars(text, &meter)
            let start = try position(first, in: scalars.count)
            var end = scalars.count
            if arguments.count == 3 {
                guard case .int(let last) = arguments[2] else { throw .noOverload("substring", arguments) }
                end = try position(last, in: scalars.count)
            }
            if end < start {
                throw .invalid("the range of substring ends at \(end), before its start \(start)")
            }
            return .string(string(scalars[start..<end]))
        },
        Builtin("lowerAscii", .member, [.init(.string, to: .string)]) {
            arguments, meter throws(EvaluationError) in
            try mapped("lowerAscii", arguments, &meter) { (65...90).contains($0) ? $0 + 32 : $0 }
        },
        Builtin("upperAscii", .member, [.init(.string, to: .string)]) {
            arguments, meter throws(EvaluationError) in
            try mapped("upperAscii", arguments, &meter) { (97...122).contains($0) ? $0 - 32 : $0 }
        },
        Builtin("trim", .member, [.init(.string, to: .string)]) { arguments, meter throws(EvaluationError) in
            guard case .string(let text) = arguments[0] else { throw .noOverload("trim", arguments) }
            let scalars = try scalars(text, &meter)
            guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
                let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
            else { return .string("") }
            return .string(string(scalars[first...last]))
        },
        Builtin("reverse", .member, rule: reversal) { arguments, meter throws(EvaluationError) in
            switch arguments[0] {
            case .string(let text): return .string(string(try scalars(text, &meter).reversed()[...]))
            default: throw .noOverload("reverse", arguments)
            }
        },
    ]

    private static let finding: [Builtin.Signature] = [
        .init(.string, .string, to: .int), .init(.string, .string, .int, to: .int),
    ]

    @Sendable private static func reversal(_ types: [ValueType]) -> ValueType? {
        types.count == 1 && types[0].fits(.string) ? .string : nil
    }

    /// A member that asks one text about another.
    private static func test(
        _ name: String, _ holds: @escaping @Sendable ([UInt8], [UInt8]) -> Bool
    ) -> Builtin {
        Builtin(name, .member, [.init(.string, .string, to: .bool)]) {
            arguments, meter throws(EvaluationError) in
            guard case .string(let text) = arguments[0], case .string(let part) = arguments[1] else {
                throw .noOverload(name, arguments)
            }
            try meter.charge(text.utf8.count + part.utf8.count)
            return .bool(holds(Array(text.utf8), Array(part.utf8)))
        }
    }

    private static func findArguments(
        _ name: String, _ arguments: UnsafeBufferPointer<Value>, _ meter: inout Meter
    ) throws(EvaluationError) -> (text: [Unicode.Scalar], part: [Unicode.Scalar], index: Int64?) {
        guard (2...3).contains(arguments.count), case .string(let text) = arguments[0],
            case .string(let part) = arguments[1]
        else { throw .noOverload(name, arguments) }
        var index: Int64?
        if arguments.count == 3 {
            guard case .int(let number) = arguments[2] else { throw .noOverload(name, arguments) }
            index = number
        }
        // The last of several is searched place by place.
        if name == "lastIndexOf" {
            let (product, overflows) = text.utf8.count.multipliedReportingOverflow(
                by: max(1, part.utf8.count / 8))
            try meter.charge(overflows ? .max : product)
        }
        return (try scalars(text, &meter), try scalars(part, &meter), index)
    }

    /// Where one sequence first occurs in another at or after a position (Knuth, Morris and Pratt, so that the
    /// time is linear whatever the texts are).
    static func find<Element: Equatable>(_ part: [Element], in whole: [Element], from start: Int) -> Int? {
        if part.isEmpty { return start <= whole.count ? start : nil }
        if whole.count - start < part.count { return nil }
        var borders = [0]
        borders.reserveCapacity(part.count)
        for index in 1..<max(part.count, 1) {
            var border = borders[index - 1]
            while border > 0, part[border] != part[index] { border = borders[border - 1] }
            borders.append(part[border] == part[index] ? border + 1 : 0)
        }
        var matched = 0
        for index in start..<whole.count {
            while matched > 0, part[matched] != whole[index] { matched = borders[matched - 1] }
            if part[matched] == whole[index] { matched += 1 }
            if matched == part.count { return index - part.count + 1 }
        }
        return nil
    }

    static func scalars(_ text: String, _ meter: inout Meter) throws(EvaluationError) -> [Unicode.Scalar] {
        try meter.charge(text.utf8.count)
        return Array(text.unicodeScalars)
    }

    static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars)
        return String(result)
    }

    private static func position(_ index: Int64, in count: Int) throws(EvaluationError) -> Int {
        guard let position = Int(exactly: index), (0...count).contains(position) else {
            throw EvaluationError(
                kind: .indexOutOfRange,
                message: "index out of range: \(index) in a text of \(count) characters (from 0)")
        }
        return position
    }

    private static func mapped(
        _ name: String, _ arguments: UnsafeBufferPointer<Value>, _ meter: inout Meter,
        _ change: (UInt8) -> UInt8
    ) throws(EvaluationError) -> Value {
        guard case .string(let text) = arguments[0] else { throw .noOverload(name, arguments) }
        try meter.charge(text.utf8.count)
        return .string(String(decoding: text.utf8.map(change), as: UTF8.self))
    }
}
