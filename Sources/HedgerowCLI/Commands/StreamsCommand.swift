import ArgumentParser
import Components
import GRPCCore
import HedgerowAPI

/// `hedgerow streams …`: what waits on the cores, and where it goes.
struct StreamsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams",
        abstract: "Look at the streams of cores, and work on them.",
        discussion: """
            A stream keeps messages on a core until every export has them: the cloud, a topic, a directory. list and \
            show say what each core reported last, also while it is away; the others ask the core.

            Example:
              hedgerow streams list
              hedgerow streams tail default --core pi-1
            """,
        subcommands: [
            List.self, Show.self, StreamsTailCommand.self, Pause.self, Resume.self, Delete.self,
        ])

    /// The options of a call that a core answers through the cloud.
    static var options: CallOptions {
        var options = CallOptions.defaults
        options.timeout = .seconds(40)
        return options
    }
}

/// The core whose stream is meant.
struct CoreOption: ParsableArguments {
    @Option(help: ArgumentHelp("The core that the stream is on.", valueName: "name"))
    var core: String
}

/// The export that is to be paused or resumed.
struct ExportOptions: ParsableArguments {
    @Argument(help: "Name of the stream.")
    var stream: String

    @Option(help: ArgumentHelp("Name of the export.", valueName: "name"))
    var export = StreamExport.cloudName

    @OptionGroup var core: CoreOption

    /// Says how the export stands now.
    func write(
        _ status: Hedgerow_Stream_V1_StreamExportStatus, _ verb: String, to output: OutputOptions
    ) throws {
        try output.write(
            json: .object(StreamText.members(status)),
            table: "\(export) of \(stream) on \(core.core) is \(verb); "
                + "it lacks \(Text.count(status.messages, "message")).\n")
    }
}

extension StreamsCommand {
    /// `streams list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List streams: what waits, since when, how fast it comes and goes, what was lost.",
            discussion: """
                Rates are per second, over the last minute. Losses are since the core started; hedgerow ledger THING \
                has all of them.

                Example:
                  hedgerow streams list
                  hedgerow streams list --core pi-1 --output json
                """)

        @Option(help: ArgumentHelp("Only of this core.", valueName: "name"))
        var core: String?

        @Option(help: ArgumentHelp("Only of the cores of this group.", valueName: "name"))
        var group: String?

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let streams = try await home.withCloud { cloud in
                try await Pages.all { token in
                    var request = Hedgerow_Stream_V1_ListStreamsRequest()
                    request.core = core ?? ""
                    request.group = group ?? ""
                    request.pageSize = 1_000
                    request.pageToken = token
                    let page = try await cloud.streams.listStreams(request, options: cloud.options)
                    return (page.streams, page.nextPageToken)
                }
            }
            let io = CommandIO.current
            var table = Table(StreamText.header)
            for stream in streams { table.add(StreamText.cells(stream, now: io.now())) }
            try output.write(
                json: .list(streams.map { .object(StreamText.members($0)) }),
                table: table.render(coloured: io.isColoured))
            if streams.isEmpty, output.format == .table {
                io.note("No core has reported a stream; a core does so when it is attached and runs a group.")
            }
        }
    }

    /// `streams show STREAM`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a stream: all that list shows, its epochs and its exports.",
            discussion: """
                Example:
                  hedgerow streams show default --core pi-1
                """)

        @Argument(help: "Name of the stream.")
        var stream: String

        @OptionGroup var target: CoreOption
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Stream_V1_GetStreamRequest()
            request.core = target.core
            request.stream = stream
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.streams.getStream(request, options: cloud.options)
            }
            let io = CommandIO.current
            try output.write(
                json: .object(StreamText.members(reply.stream)),
                table: StreamText.details(reply.stream, now: io.now(), coloured: io.isColoured))
        }
    }

    /// `streams pause STREAM`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pause an export of a stream; what it lacks waits on the core.",
            discussion: """
                It stays paused, across restarts of the core too, until hedgerow streams resume. A stream that is full \
                meanwhile does what its onFull says.

                Example:
                  hedgerow streams pause bulk --core pi-1
                  hedgerow streams pause bulk --core pi-1 --export directory:exports/bulk
                """)

        @OptionGroup var target: ExportOptions
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Stream_V1_PauseExportRequest()
            request.core = target.core.core
            request.stream = target.stream
            request.export = target.export
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.streams.pauseExport(request, options: StreamsCommand.options)
            }
            try target.write(reply.export, "paused", to: output)
        }
    }

    /// `streams resume STREAM`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Resume an export of a stream.",
            discussion: """
                Example:
                  hedgerow streams resume bulk --core pi-1
                """)

        @OptionGroup var target: ExportOptions
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Stream_V1_ResumeExportRequest()
            request.core = target.core.core
            request.stream = target.stream
            request.export = target.export
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.streams.resumeExport(request, options: StreamsCommand.options)
            }
            try target.write(reply.export, "resumed", to: output)
        }
    }

    /// `streams delete STREAM`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete the messages that wait in a stream; they are entered as lost.",
            discussion: """
                The stream stays. What the cloud did not have is in the ledger of each thing as deleted. Without --yes \
                nothing is deleted.

                Example:
                  hedgerow streams delete bulk --core pi-1 --yes
                """)

        @Argument(help: "Name of the stream.")
        var stream: String

        @Flag(help: "Yes, delete them.")
        var yes = false

        @OptionGroup var target: CoreOption
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard yes else {
                throw CLIError(
                    .wrongUse, "this deletes every message that waits in \(stream) on \(target.core)",
                    hint: "add --yes to do so")
            }
            var request = Hedgerow_Stream_V1_DeleteStreamMessagesRequest()
            request.core = target.core
            request.stream = stream
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.streams.deleteStreamMessages(request, options: StreamsCommand.options)
            }
            try output.write(
                json: .object([
                    ("core", .text(target.core)), ("stream", .text(stream)),
                    ("deletedMessages", .unsigned(reply.messages)),
                ]),
                table: "\(Text.count(reply.messages, "message")) of \(stream) on \(target.core) deleted.\n")
        }
    }
}
