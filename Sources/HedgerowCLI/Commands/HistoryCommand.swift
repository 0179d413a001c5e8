import ArgumentParser
import FoundationEssentials
import HedgerowAPI

/// `hedgerow history`: what the cloud has stored.
struct HistoryCommand: AsyncParsableCommand {
    /// How history is written.
    enum Format: String, CaseIterable, Sendable, ExpressibleByArgument {
        case table, json, csv
    }

    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "List stored messages, the newest sample first.",
        discussion: """
            Times are RFC 3339 (2026-05-04T10:30:00Z), a day (2026-05-04, UTC), or a span ago (10m, 7d). Pages are \
            written as they arrive, until there are no more or --limit is reached.

            Example:
              hedgerow history --thing bme680-1 --since 1h
              hedgerow history --topic 'bme680/+' --since 2026-05-04 --output csv > day.csv
              hedgerow history --limit 1 --output json
            """)

    @Option(help: "Only messages of this thing.")
    var thing: String?

    @Option(help: ArgumentHelp("Only topics that match.", valueName: "filter"))
    var topic: String?

    @Option(help: ArgumentHelp("Only samples at or after this.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only samples before this.", valueName: "time"))
    var until: String?

    @Option(help: ArgumentHelp("At most so many messages.", valueName: "number"))
    var limit: Int?

    @Option(
        name: [.customLong("output"), .customShort("o")], help: "How results are written: table, json or csv."
    )
    var format: Format = .table

    @OptionGroup var colour: ColourOptions
    @OptionGroup var home: HomeOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
    }

    func run() async throws {
        let io = CommandIO.current
        var request = Hedgerow_Telemetry_V1_QueryRequest()
        request.thing = thing ?? ""
        request.topicFilter = topic ?? ""
        let now = io.now()
        if let time = try TimeOption.parse(since, option: "--since", now: now) { request.startTime = time }
        if let time = try TimeOption.parse(until, option: "--until", now: now) { request.endTime = time }
        request.pageSize = UInt32(min(limit ?? 1_000, 1_000))
        try await Progress.show("waiting for the history") { [request] progress in
            try await write(request, io: io, progress)
        }
    }

    private func write(
        _ request: Hedgerow_Telemetry_V1_QueryRequest, io: CommandIO, _ progress: Progress
    ) async throws {
        try await home.withCloud { cloud in
            var writer = HistoryWriter(format: format, io: io)
            var left = limit ?? Int.max
            try writer.begin()
            try await Pages.walk { token in
                var request = request
                request.pageToken = token
                let page = try await cloud.telemetry.query(request, options: cloud.options)
                return (page.records, page.nextPageToken)
            } use: { page in
                try writer.write(Array(page.prefix(left)))
                left -= min(left, page.count)
                progress.say("waiting for the history, \(Text.count(writer.count, "message")) so far")
                return left > 0
            }
            try writer.end()
        }
    }
}

/// Times on the command line.
enum TimeOption {
    static func parse(_ text: String?, option: String, now: Date) throws(CLIError) -> TimeText.Instant? {
        guard let text else { return nil }
        guard let time = TimeText.parse(text, now: now) else {
            throw CLIError(
                .wrongUse, "\(option) is \"\(text)\"",
                hint: "write a time such as 2026-05-04T10:30:00Z or 2026-05-04, or a span ago such as 10m")
        }
        return time
    }
}

/// Writes messages page by page.
struct HistoryWriter {
    let format: HistoryCommand.Format
    let io: CommandIO
    private(set) var count = 0

    init(format: HistoryCommand.Format, io: CommandIO) {
        self.format = format
        self.io = io
    }

    mutating func begin() throws {
        switch format {
        case .table: break
        case .json: try io.writeOutput("[")
        case .csv: try io.writeOutput(CSV.line(RecordText.csvHeader))
        }
    }

    mutating func write(_ records: [Hedgerow_Type_V1_Record]) throws {
        if records.isEmpty { return }
        switch format {
        case .table:
            var table = Table(RecordText.header)
            for record in records { table.add(RecordText(record: record).cells) }
            let text = table.render(coloured: io.isColoured)
            // The header once; widths are of each page.
            try io.writeOutput(count == 0 ? text : String(text.drop { $0 != "\n" }.dropFirst()))
        case .json:
            let lines = records.map { "\n  " + RecordText(record: $0).json.compact }
            try io.writeOutput((count == 0 ? "" : ",") + lines.joined(separator: ","))
        case .csv:
            try io.writeOutput(records.flatMap { RecordText(record: $0).csv }.map(CSV.line).joined())
        }
        count += records.count
    }

    mutating func end() throws {
        switch format {
        case .table: if count == 0 { io.note("No messages.") }
        case .json: try io.writeOutput(count == 0 ? "]\n" : "\n]\n")
        case .csv: break
        }
    }
}
