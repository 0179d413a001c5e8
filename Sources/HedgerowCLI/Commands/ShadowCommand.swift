import ArgumentParser
import HedgerowAPI

/// `hedgerow shadow …`: the JSON twins of things.
struct ShadowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow",
        abstract: "Look at shadows of things, change them, and see how they were synced.",
        discussion: """
            A shadow is a JSON document about a thing: what it reported, and what is desired of it. A thing has one that has \
            no name, the classic one, and named ones (--name). These commands work on what the cloud has; a core keeps what \
            its group syncs the same.

            Example:
              hedgerow shadow get bme680-1
              hedgerow shadow update bme680-1 --set desired.interval=10
              hedgerow shadow watch bme680-1
            """,
        subcommands: [
            Get.self, ShadowUpdateCommand.self, Delete.self, ShadowWatchCommand.self, List.self,
            ShadowHistoryCommand.self, Explain.self,
        ])
}

/// Which shadow is meant.
struct ShadowArgument: ParsableArguments, Sendable {
    @Argument(help: "Name of the thing.")
    var thing: String

    @Option(
        help: ArgumentHelp(
            "Name of the shadow (default: the classic one, without a name).", valueName: "name"))
    var name = ""

    init() {}

    var title: String { ShadowText.title(thing: thing, name: name) }
}

extension ShadowCommand {
    /// `shadow get THING`.
    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a shadow: desired, reported, and what differs, beside each other.",
            discussion: """
                DELTA has what is desired and not reported so. --output json has the document as it is.

                Example:
                  hedgerow shadow get bme680-1
                  hedgerow shadow get bme680-1 --name env --output json | jq .state.reported
                """)

        @OptionGroup var shadow: ShadowArgument
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Shadow_V1_GetShadowRequest()
            request.thing = shadow.thing
            request.name = shadow.name
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.about(shadow) {
                    try await cloud.shadows.getShadow(request, options: cloud.options)
                }
            }
            let table = try ShadowText.details(
                reply, thing: shadow.thing, name: shadow.name, coloured: CommandIO.current.isColoured)
            let json = try ShadowText.json(reply, thing: shadow.thing, name: shadow.name)
            try output.write(json: json, table: table)
        }
    }

    /// `shadow delete THING`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a shadow, here and on the core that it is synced with.",
            discussion: """
                Its history stays as long as it would have. A shadow that is made anew within 48 hours goes on with the \
                number of its versions.

                Example:
                  hedgerow shadow delete bme680-1 --name env
                  hedgerow shadow delete bme680-1 --version 12
                """)

        @OptionGroup var shadow: ShadowArgument

        @Option(help: ArgumentHelp("Only if it has this version.", valueName: "number"))
        var version: UInt64 = 0

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Shadow_V1_DeleteShadowRequest()
            request.thing = shadow.thing
            request.name = shadow.name
            request.version = version
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.about(shadow) {
                    try await cloud.shadows.deleteShadow(request, options: cloud.options)
                }
            }
            try output.write(
                json: .object(
                    ShadowText.identity(thing: shadow.thing, name: shadow.name) + [
                        ("version", .unsigned(reply.version)), ("deleted", .boolean(true)),
                    ]),
                table: "The shadow \(shadow.title) is deleted (version \(reply.version)).\n")
        }
    }

    /// `shadow list [THING]`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List shadows: version, size, whether something desired is not reported, and the sync.",
            discussion: """
                SYNC: local (no group says that it is synced), synced with a core, pending (this side has something that the \
                other lacks), or failed and why.

                Example:
                  hedgerow shadow list
                  hedgerow shadow list bme680-1 --output json
                """)

        @Argument(help: "Only the shadows of this thing.")
        var thing: String?

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let shadows = try await home.withCloud { cloud in
                try await cloud.summaries(of: thing ?? "")
            }
            let io = CommandIO.current
            var table = Table(ShadowText.header)
            for shadow in shadows { table.add(ShadowText.cells(shadow)) }
            try output.write(
                json: .list(shadows.map { ShadowText.json($0) }), table: table.render(coloured: io.isColoured)
            )
            if shadows.isEmpty, output.format == .table {
                io.note(
                    thing.map { "\(Text.printable($0)) has no shadow; hedgerow shadow update makes one." }
                        ?? "There is no shadow; hedgerow shadow update makes one.")
            }
        }
    }

    /// `shadow explain THING`.
    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Say how a shadow is synced, and what was decided where both sides had changed the same.",
            discussion: """
                The newest decision is first. Each has what both sides had before, what each had when they met again, and who \
                won by which rule. docs/shadows.md has the rules.

                Example:
                  hedgerow shadow explain bme680-1
                  hedgerow shadow explain bme680-1 --limit 1 --output json
                """)

        @OptionGroup var shadow: ShadowArgument

        @Option(help: ArgumentHelp("At most so many decisions.", valueName: "number"))
        var limit = 100

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if limit < 1 { throw ValidationError("--limit is at least 1.") }
        }

        func run() async throws {
            let (summary, conflicts) = try await home.withCloud { cloud in
                let summary = try await cloud.summaries(of: shadow.thing).first { $0.name == shadow.name }
                return (summary, try await decisions(cloud))
            }
            let io = CommandIO.current
            let blocks = conflicts.map { ShadowText.block($0, coloured: io.isColoured) }
            try output.write(
                json: .object(
                    ShadowText.identity(thing: shadow.thing, name: shadow.name) + [
                        ("sync", summary.map { ShadowText.json($0.sync) } ?? .null),
                        ("conflicts", .list(conflicts.map { ShadowText.json($0) })),
                    ]),
                table: ([head(summary, coloured: io.isColoured)] + blocks).joined(separator: "\n"))
            if conflicts.isEmpty, output.format == .table {
                io.note("No conflict is recorded: nothing was changed on both sides at once.")
            }
        }

        private func head(_ summary: ShadowText.Summary?, coloured: Bool) -> String {
            guard let summary else { return "\(shadow.title): there is no such shadow now\n" }
            let (text, style) = ShadowText.sync(summary.sync)
            let printable = Text.printable(text.isEmpty ? "sync not known" : text)
            let last =
                summary.sync.hasSyncedTime
                ? ", last the same \(TimeText.milliseconds(summary.sync.syncedTime) ?? "")" : ""
            let shown = coloured ? style.apply(to: printable) : printable
            return "\(shadow.title): version \(summary.version), \(shown)\(last)\n"
        }

        private func decisions(_ cloud: CloudSession) async throws -> [ShadowText.Conflict] {
            var found: [ShadowText.Conflict] = []
            try await Pages.walk { token in
                var request = Hedgerow_Shadow_V1_ListShadowConflictsRequest()
                request.thing = shadow.thing
                request.name = shadow.name
                request.pageSize = UInt32(clamping: min(limit, 1_000))
                request.pageToken = token
                let page = try await cloud.about(shadow) { [request] in
                    try await cloud.shadows.listShadowConflicts(request, options: cloud.options)
                }
                return (page.conflicts, page.nextPageToken)
            } use: { page in
                found += page
                return found.count < limit
            }
            return Array(found.prefix(limit))
        }
    }
}
