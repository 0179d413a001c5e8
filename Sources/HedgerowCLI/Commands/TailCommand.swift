import ArgumentParser
import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import Synchronization

/// `hedgerow tail FILTER`: messages as they arrive in the cloud.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Show messages live, one line each; ends on Ctrl-C.",
        discussion: """
            The filter follows MQTT: + stands for one level, # for the rest. With --output json each line is an \
            object. A lost connection is made again; what is missed meanwhile is in hedgerow history.

            Example:
              hedgerow tail
              hedgerow tail 'bme680/#' --thing bme680-1 --count 10
              hedgerow tail '#' --output json | jq .values
            """)

    @Argument(help: "Topic filter. Default: everything, dead letters included.")
    var filter: String?

    @Option(help: "Only messages of this thing.")
    var thing: String?

    @Option(help: ArgumentHelp("End after so many messages.", valueName: "number"))
    var count: Int?

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is at least 1.") }
    }

    func run() async throws {
        let tail = Tail(
            filters: filter.map { [$0] } ?? Tail.everything, thing: thing ?? "", limit: count,
            format: output.format, home: home)
        _ = try await Interruption.run {
            try await Progress.show("waiting for messages") { _ in try await tail.run() }
        }
        let (messages, dropped) = tail.totals
        if output.format == .table {
            let missed = dropped == 0 ? "" : ", \(dropped) missed because this terminal was too slow"
            CommandIO.current.note("\(Text.count(messages, "message"))\(missed)")
        }
    }
}

/// A live view that outlives its connections.
final class Tail: Sendable {
    /// Messages that may be on their way at once.
    private static let credit: UInt32 = 1_000

    /// `#` does not match the topics of dead letters, which begin with `$`.
    static let everything = ["#", "$dead-letter/#"]

    private let filters: [String]
    private let thing: String
    private let limit: Int?
    private let format: OutputFormat
    private let home: HomeOptions
    private let marksDeadLetters: Bool
    private let state = Mutex<(messages: Int, dropped: UInt64)>((0, 0))

    /// - Parameter marksDeadLetters: whether the lines of dead letters say so, and are coloured as what is wrong is.
    init(
        filters: [String], thing: String, limit: Int?, format: OutputFormat, home: HomeOptions,
        marksDeadLetters: Bool = false
    ) {
        self.marksDeadLetters = marksDeadLetters
        self.filters = filters
        self.thing = thing
        self.limit = limit
        self.format = format
        self.home = home
    }

    var totals: (messages: Int, dropped: UInt64) { state.withLock { $0 } }

    private var isDone: Bool { limit.map { totals.messages >= $0 } ?? false }

    func run() async throws {
        let io = CommandIO.current
        var backoff = Backoff(maximum: .seconds(30))
        var wasConnected = false
        while !isDone {
            let connected = Mutex(false)
            do {
                try await home.withCloud { cloud in
                    try await self.follow(cloud) { connected.withLock { $0 = true } }
                }
            } catch let error as CLIError where error.status == .unreachable && wasConnected {
                io.note("hedgerow: \(error); connecting again")
            }
            if isDone { return }
            if connected.withLock({ $0 }) {
                wasConnected = true
                backoff.reset()
            }
            try await Task.sleep(for: backoff.next())
        }
    }

    private func follow(_ cloud: CloudSession, onConnected: @Sendable () -> Void) async throws {
        // What was shown is given back as credit; at most two grants are ever waiting.
        let (grants, grant) = AsyncStream.makeStream(of: UInt32.self, bufferingPolicy: .bufferingOldest(16))
        defer { grant.finish() }
        try await withoutActuallyEscaping(onConnected) { onConnected in
            try await cloud.telemetry.subscribe { writer in
                var request = Hedgerow_Telemetry_V1_SubscribeRequest()
                request.start.topicFilters = self.filters
                request.start.thing = self.thing
                request.addCredit = Self.credit
                try await writer.write(request)
                for await credit in grants {
                    var request = Hedgerow_Telemetry_V1_SubscribeRequest()
                    request.addCredit = credit
                    try await writer.write(request)
                }
            } onResponse: { response in
                defer { grant.finish() }
                var used: UInt32 = 0
                for try await message in response.messages {
                    onConnected()
                    try self.show(message)
                    if self.isDone { return }
                    used += UInt32(message.deliveries.count)
                    if used >= Self.credit / 2 {
                        grant.yield(used)
                        used = 0
                    }
                }
            }
        }
    }

    private func line(_ text: RecordText, _ io: CommandIO) -> String {
        guard marksDeadLetters, text.isDeadLetter else { return text.line }
        let line = "dead letter  " + text.line
        return io.isColoured ? Style.bad.apply(to: line) : line
    }

    private func show(_ message: Hedgerow_Telemetry_V1_SubscribeResponse) throws {
        let io = CommandIO.current
        if message.dropped > 0 {
            state.withLock { $0.dropped += message.dropped }
            io.note("hedgerow: \(Text.count(message.dropped, "message")) missed; see hedgerow history")
        }
        for delivery in message.deliveries where !isDone {
            let text = RecordText(record: delivery.record)
            switch format {
            case .table: try io.print(line(text, io))
            case .json: try io.print(text.json.compact)
            }
            state.withLock { $0.messages += 1 }
        }
    }
}
