extension Builtins {
    /// The functions of the strings library that take apart and put together.
    static let textTools: [Builtin] = [
        Builtin(
            "replace", .member,
            [
                .init(.string, .string, .string, to: .string),
                .init(.string, .string, .string, .int, to: .string),
            ]
        ) { arguments, meter throws(EvaluationError) in
            guard (3...4).contains(arguments.count), case .string(let text) = arguments[0],
                case .string(let old) = arguments[1], case .string(let new) = arguments[2]
            else { throw .noOverload("replace", arguments) }
            var limit = -1
            if arguments.count == 4 {
                guard case .int(let number) = arguments[3] else { throw .noOverload("replace", arguments) }
                limit = Int(clamping: number)
            }
            return .string(try replace(old, by: new, in: text, limit: limit, &meter))
        },
        Builtin(
            "split", .member,
            [.init(.string, .string, to: .list(.string)), .init(.string, .string, .int, to: .list(.string))]
        ) { arguments, meter throws(EvaluationError) in
            guard (2...3).contains(arguments.count), case .string(let text) = arguments[0],
                case .string(let separator) = arguments[1]
            else { throw .noOverload("split", arguments) }
            var limit = -1
            if arguments.count == 3 {
                guard case .int(let number) = arguments[2] else { throw .noOverload("split", arguments) }
                limit = Int(clamping: number)
            }
            return .list(try split(text, at: separator, limit: limit, &meter))
        },
        Builtin(
            "join", .member,
            [.init(.list(.string), to: .string), .init(.list(.string), .string, to: .string)]
        ) { arguments, meter throws(EvaluationError) in
            guard case .list(let parts) = arguments[0] else { throw .noOverload("join", arguments) }
            var separator = ""
            if arguments.count == 2 {
                guard case .string(let text) = arguments[1] else { throw .noOverload("join", arguments) }
                separator = text
            }
            var result = ""
            for (index, part) in parts.enumerated() {
                guard case .string(let text) = part else { throw .noOverload("join", arguments) }
                try meter.charge(text.utf8.count + separator.utf8.count + 1)
                if index > 0 { result += separator }
                result += text
            }
            return .string(result)
        },
        Builtin("format", .member, [.init(.string, .list(.dyn), to: .string)]) {
            arguments, meter throws(EvaluationError) in
            guard arguments.count == 2, case .string(let template) = arguments[0],
                case .list(let values) = arguments[1]
            else { throw .noOverload("format", arguments) }
            return .string(try TextFormat.format(template, values, &meter))
        },
        Builtin("strings.quote", .global, [.init(.string, to: .string)]) {
            arguments, meter throws(EvaluationError) in
            guard case .string(let text) = arguments[0] else { throw .noOverload("strings.quote", arguments) }
            try meter.charge(2 * text.utf8.count)
            var result = "\""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\u{07}": result += "\\a"
                case "\u{08}": result += "\\b"
                case "\u{0C}": result += "\\f"
                case "\n": result += "\\n"
                case "\r": result += "\\r"
                case "\t": result += "\\t"
                case "\u{0B}": result += "\\v"
                case "\\": result += "\\\\"
                case "\"": result += "\\\""
                default: result.unicodeScalars.append(scalar)
                }
            }
            return .string(result + "\"")
        },
    ]

    /// Replaces up to `limit` occurrences, all where it is negative; an empty text occurs between all scalars.
    private static func replace(
        _ old: String, by new: String, in text: String, limit: Int, _ meter: inout Meter
    ) throws(EvaluationError) -> String {
        var left = limit
        var result = String.UnicodeScalarView()
        let whole = try scalars(text, &meter)
        let part = try scalars(old, &meter)
        var position = 0
        while left != 0 {
            guard let found = find(part, in: whole, from: position) else { break }
            try meter.charge(found - position + part.count + new.utf8.count + 1)
            result.append(contentsOf: whole[position..<found])
            result.append(contentsOf: new.unicodeScalars)
            left -= 1
            position = found + part.count
            if part.isEmpty {
                if found == whole.count { return String(result) }
                result.append(whole[found])
                position = found + 1
            }
        }
        if position < whole.count { result.append(contentsOf: whole[position...]) }
        return String(result)
    }

    /// Cuts into at most `limit` parts, without bound where it is negative; at an empty separator into scalars.
    private static func split(
        _ text: String, at separator: String, limit: Int, _ meter: inout Meter
    ) throws(EvaluationError) -> [Value] {
        if limit == 0 { return [] }
        let whole = try scalars(text, &meter)
        let part = try scalars(separator, &meter)
        var result: [Value] = []
        if part.isEmpty, whole.isEmpty { return result }
        var position = 0
        while limit < 0 || result.count < limit - 1 {
            try meter.charge(part.count + 1)
            if part.isEmpty {
                if position + 1 >= whole.count { break }
                result.append(.string(string(whole[position...position])))
                position += 1
                continue
            }
            guard let found = find(part, in: whole, from: position) else { break }
            result.append(.string(string(whole[position..<found])))
            position = found + part.count
        }
        result.append(.string(string(whole[position...])))
        return result
    }
}
