extension Builtins {
    /// Parts of timestamps and durations.
    static let times: [Builtin] = [
        getter("getFullYear") { Int64($0.date.year) },
        getter("getMonth") { Int64($0.date.month - 1) },
        getter("getDate") { Int64($0.date.day) },
        getter("getDayOfMonth") { Int64($0.date.day - 1) },
        getter("getDayOfYear") { $0.date.dayOfYear },
        // 1970-01-01 was a Thursday; Sunday is 0.
        getter("getDayOfWeek") { ($0.day + 4) - ($0.day + 4).flooredQuotient(7) * 7 },
        getter("getHours", ofSpan: { $0.nanoseconds / 3_600_000_000_000 }, part: { $0.second / 3_600 }),
        getter("getMinutes", ofSpan: { $0.nanoseconds / 60_000_000_000 }, part: { $0.second / 60 % 60 }),
        getter("getSeconds", ofSpan: { $0.nanoseconds / 1_000_000_000 }, part: { $0.second % 60 }),
        getter(
            "getMilliseconds", ofSpan: { $0.nanoseconds / 1_000_000 % 1_000 },
            part: { $0.nanoseconds / 1_000_000 }),
    ]

    /// A timestamp in some zone.
    private struct Local {
        /// Days since 1970-01-01.
        let day: Int64
        /// The second of the day.
        let second: Int64
        let nanoseconds: Int64
        var date: CivilDate { CivilDate(daysSince1970: day) }

        init(_ time: Timestamp, offset: Int64) {
            let seconds = time.seconds + offset
            day = seconds.flooredQuotient(86_400)
            second = seconds - day * 86_400
            nanoseconds = Int64(time.nanoseconds)
        }
    }

    private static func getter(
        _ name: String, ofSpan: (@Sendable (TimeSpan) -> Int64)? = nil,
        part: @escaping @Sendable (Local) -> Int64
    ) -> Builtin {
        var signatures: [Builtin.Signature] = [
            .init(.timestamp, to: .int), .init(.timestamp, .string, to: .int),
        ]
        if ofSpan != nil { signatures.append(.init(.duration, to: .int)) }
        return Builtin(name, .member, signatures) { arguments, _ throws(EvaluationError) in
            if arguments.count == 1, let ofSpan, case .duration(let span) = arguments[0] {
                return .int(ofSpan(span))
            }
            guard case .timestamp(let time) = arguments[0] else { throw .noOverload(name, arguments) }
            if arguments.count == 1 { return .int(part(Local(time, offset: 0))) }
            guard case .string(let zone) = arguments[1] else { throw .noOverload(name, arguments) }
            return .int(part(Local(time, offset: try offset(of: zone))))
        }
    }

    /// The offset of a zone from UTC in seconds: `UTC`, `+05:30`, `-09:00`, `02:00`.
    static func offset(of zone: String) throws(EvaluationError) -> Int64 {
        if zone == "UTC" || zone == "Z" || zone.isEmpty { return 0 }
        let digits = zone.hasPrefix("+") || zone.hasPrefix("-") ? zone.dropFirst() : Substring(zone)
        let parts = digits.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy(\.isDigit) }),
            let hours = Int64(parts[0]), let minutes = Int64(parts[1]), hours < 24, minutes < 60
        else {
            throw .invalid(
                "the time zone \"\(zone.printable)\" is not known: write \"UTC\" or an offset such as \"+01:00\"; "
                    + "names of zones are not supported in this version")
        }
        return (hours * 3_600 + minutes * 60) * (zone.hasPrefix("-") ? -1 : 1)
    }
}
