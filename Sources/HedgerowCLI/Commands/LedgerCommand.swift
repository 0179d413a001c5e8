import ArgumentParser
import HedgerowAPI

/// `hedgerow ledger THING`: did I lose data?
struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Answer \"did I lose data?\" for a thing, exactly.",
        discussion: """
            It counts what was received, dropped as a copy, rejected or lost, and names every range that is lost or \
            missing. With --check the exit code is 7 where messages were lost or are missing.

            Example:
              hedgerow ledger bme680-1
              hedgerow ledger bme680-1 --check && echo "nothing is lost"
            """)

    @Argument(help: "The thing's name.")
    var thing: String

    @Flag(help: "End with exit code 7 where messages were lost or are missing.")
    var check = false

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let ledger = try await Progress.show("waiting for the ledger of \(thing)") { progress in
            try await read(progress)
        }
        try output.write(json: ledger.json, table: ledger.table(coloured: CommandIO.current.isColoured))
        if check && ledger.totals.lost + ledger.totals.missing > 0 {
            throw CLIError(
                .dataLost,
                "\(thing) has lost \(ledger.totals.lost) and misses \(ledger.totals.missing) messages, counting those "
                    + "that components make of them",
                hint: "the ranges above say which and why")
        }
    }

    private func read(_ progress: Progress) async throws -> Ledger {
        try await home.withCloud { cloud in
            var first: Hedgerow_Telemetry_V1_GetLedgerResponse?
            var count = 0
            let ranges = try await Pages.all { token in
                var request = Hedgerow_Telemetry_V1_GetLedgerRequest()
                request.thing = thing
                request.pageSize = 10_000
                request.pageToken = token
                let page = try await cloud.telemetry.getLedger(request, options: cloud.options)
                if first == nil { first = page }
                count += page.ranges.count
                progress.say("waiting for the ledger of \(thing), \(Text.count(count, "range")) so far")
                return (page.ranges, page.nextPageToken)
            }
            return Ledger(thing: thing, totals: first ?? .init(), ranges: ranges)
        }
    }
}

/// The account of one thing.
struct Ledger: Sendable {
    let thing: String
    /// The first page: totals and days.
    let totals: Hedgerow_Telemetry_V1_GetLedgerResponse
    /// The ranges of all pages.
    let ranges: [Hedgerow_Telemetry_V1_LedgerRange]

    func table(coloured: Bool) -> String {
        var text = Details.render([
            ("thing", thing), ("received", "\(totals.received)"), ("lost", "\(totals.lost)"),
            ("missing", "\(totals.missing)"),
        ])
        if !totals.days.isEmpty {
            var table = Table(["DAY", "STREAM", "RECEIVED", "DUPLICATES", "REJECTED", "LOST"])
            for day in totals.days {
                let lost = day.lost.map { "\($0.count) \(Self.word($0.reason))" }.joined(separator: ", ")
                table.add([
                    Table.Cell(day.day), Table.Cell(day.stream), Table.Cell("\(day.received)"),
                    Table.Cell("\(day.duplicates)"), Table.Cell("\(day.rejected)"),
                    Table.Cell(lost.isEmpty ? "0" : lost, style: lost.isEmpty ? .plain : .bad),
                ])
            }
            text += "\n" + table.render(coloured: coloured)
        }
        if !ranges.isEmpty {
            var table = Table(["EPOCH", "FIRST", "LAST", "COUNT", "WHY", "OF"])
            for range in ranges {
                table.add([
                    Table.Cell(RecordText.hexadecimal(range.epoch)), Table.Cell("\(range.firstSequence)"),
                    Table.Cell("\(range.lastSequence)"), Table.Cell("\(Self.count(range))"),
                    Table.Cell(range.missing ? "missing" : Self.word(range.reason), style: .bad),
                    Table.Cell(range.componentInstance.isEmpty ? thing : range.componentInstance),
                ])
            }
            text += "\n" + table.render(coloured: coloured)
        }
        return text
    }

    var json: JSONValue {
        .object([
            ("thing", .text(thing)), ("received", .unsigned(totals.received)),
            ("lost", .unsigned(totals.lost)),
            ("missing", .unsigned(totals.missing)),
            (
                "days",
                .list(
                    totals.days.map { day in
                        .object([
                            ("day", .text(day.day)), ("stream", .text(day.stream)),
                            ("received", .unsigned(day.received)), ("duplicates", .unsigned(day.duplicates)),
                            ("rejected", .unsigned(day.rejected)),
                            ("lost", .object(day.lost.map { (Self.word($0.reason), .unsigned($0.count)) })),
                        ])
                    })
            ),
            (
                "ranges",
                .list(
                    ranges.map { range in
                        .object([
                            ("epoch", .text(RecordText.hexadecimal(range.epoch))),
                            ("firstSequence", .unsigned(range.firstSequence)),
                            ("lastSequence", .unsigned(range.lastSequence)),
                            ("reason", range.missing ? .null : .text(Self.word(range.reason))),
                            ("missing", .boolean(range.missing)),
                            (
                                "component",
                                range.componentInstance.isEmpty ? .null : .text(range.componentInstance)
                            ),
                        ])
                    })
            ),
        ])
    }

    private static func count(_ range: Hedgerow_Telemetry_V1_LedgerRange) -> UInt64 {
        range.lastSequence < range.firstSequence ? 0 : range.lastSequence - range.firstSequence + 1
    }

    /// A reason in words, without the enum's prefix.
    static func word(_ reason: Hedgerow_Telemetry_V1_LossReason) -> String {
        switch reason {
        case .unspecified, .UNRECOGNIZED: "unspecified"
        case .notResent: "notResent"
        case .overwritten: "overwritten"
        case .expired: "expired"
        case .corrupted: "corrupted"
        case .rejected: "rejected"
        case .notRoutedToCloud: "notRoutedToCloud"
        case .receiverRestored: "receiverRestored"
        case .filtered: "filtered"
        case .transformFailed: "transformFailed"
        case .deleted: "deleted"
        }
    }
}
