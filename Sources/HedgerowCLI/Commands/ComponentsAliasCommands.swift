import ArgumentParser
import HedgerowAPI

extension ComponentsCommand {
    /// `components alias NAME ALIAS VERSION`.
    struct Alias: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Point an alias at a version of a component.",
            discussion: """
                A group that wants version: '@live' gets the version that the alias points at when it is deployed. \
                Moving an alias deploys nothing by itself.

                Example:
                  hedgerow components alias compensate-temperature live 1.2.0
                """)

        @Argument(help: "The component's name.")
        var name: String

        @Argument(help: "The alias, without @.")
        var alias: String

        @Argument(help: "A registered version.")
        var version: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Registry_V1_SetComponentAliasRequest()
            request.component = name
            request.alias = alias.hasPrefix("@") ? String(alias.dropFirst()) : alias
            request.version = version
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.registry.setComponentAlias(request, options: cloud.options)
            }
            let before = reply.fromVersion
            let text =
                before.isEmpty
                ? "\(name) @\(reply.alias.alias) is \(reply.alias.version).\n"
                : before == reply.alias.version
                    ? "\(name) @\(reply.alias.alias) is \(before) already.\n"
                    : "\(name) @\(reply.alias.alias) moved from \(before) to \(reply.alias.version).\n"
            try output.write(
                json: .object(
                    AliasText.members(reply.alias) + [
                        ("fromVersion", before.isEmpty ? .null : .text(before))
                    ]),
                table: text)
            if output.format == .table, before != reply.alias.version {
                CommandIO.current.note("Groups take it up when they are deployed: hedgerow deploy GROUP")
            }
        }
    }

    /// `components aliases [NAME]`.
    struct Aliases: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List aliases and where they point, or the history of their moves.",
            discussion: """
                Example:
                  hedgerow components aliases
                  hedgerow components aliases compensate-temperature --history
                """)

        @Argument(help: "Only those of this component.")
        var name: String?

        @Flag(help: "List the moves of its aliases instead: who, when, from, to.")
        var history = false

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if history, name == nil { throw ValidationError("--history needs the name of a component.") }
        }

        func run() async throws {
            if history, let name { return try await moves(of: name) }
            let aliases = try await home.withCloud { cloud in
                try await Pages.all { token in
                    var request = Hedgerow_Registry_V1_ListComponentAliasesRequest()
                    request.component = name ?? ""
                    request.pageSize = 1_000
                    request.pageToken = token
                    let page = try await cloud.registry.listComponentAliases(request, options: cloud.options)
                    return (page.aliases, page.nextPageToken)
                }
            }
            var table = Table(["COMPONENT", "ALIAS", "VERSION", "MOVED", "BY"])
            for alias in aliases {
                table.add([
                    Table.Cell(alias.component), Table.Cell("@" + alias.alias), Table.Cell(alias.version),
                    Table.Cell(alias.hasUpdateTime ? TimeText.milliseconds(alias.updateTime) ?? "" : ""),
                    Table.Cell(alias.author),
                ])
            }
            try output.write(
                json: .list(aliases.map { .object(AliasText.members($0)) }),
                table: table.render(coloured: CommandIO.current.isColoured))
        }

        private func moves(of name: String) async throws {
            let moves = try await home.withCloud { cloud in
                try await Pages.all { token in
                    var request = Hedgerow_Registry_V1_ListComponentAliasMovesRequest()
                    request.component = name
                    request.pageSize = 1_000
                    request.pageToken = token
                    let page = try await cloud.registry.listComponentAliasMoves(
                        request, options: cloud.options)
                    return (page.moves, page.nextPageToken)
                }
            }
            var table = Table(["ALIAS", "FROM", "TO", "MOVED", "BY"])
            for move in moves {
                table.add([
                    Table.Cell("@" + move.alias), Table.Cell(move.fromVersion), Table.Cell(move.toVersion),
                    Table.Cell(move.hasMoveTime ? TimeText.milliseconds(move.moveTime) ?? "" : ""),
                    Table.Cell(move.author),
                ])
            }
            try output.write(
                json: .list(moves.map(AliasText.json)),
                table: table.render(coloured: CommandIO.current.isColoured))
        }
    }

    /// `components unalias NAME ALIAS`.
    struct Unalias: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove an alias that no group wants any more.",
            discussion: """
                Example:
                  hedgerow components unalias compensate-temperature live
                """)

        @Argument(help: "The component's name.")
        var name: String

        @Argument(help: "The alias, without @.")
        var alias: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Registry_V1_DeleteComponentAliasRequest()
            request.component = name
            request.alias = alias.hasPrefix("@") ? String(alias.dropFirst()) : alias
            _ = try await home.withCloud { [request] cloud in
                try await cloud.registry.deleteComponentAlias(request, options: cloud.options)
            }
            try output.write(
                json: .object([
                    ("component", .text(name)), ("alias", .text(request.alias)), ("deleted", .boolean(true)),
                ]),
                table: "\(name) has no alias @\(request.alias) any more.\n")
        }
    }

    /// `components deprecate NAME VERSION`.
    struct Deprecate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Mark a version of a component as not to be used any more.",
            discussion: """
                What runs goes on. A range takes the version only where nothing else fits, an exact version and an alias \
                still take it, and apply warns with the reason.

                Example:
                  hedgerow components deprecate smooth 1.1.0 --reason 'wrong, use 1.1.1'
                  hedgerow components deprecate smooth 1.1.0 --undo
                """)

        @Argument(help: "The component's name.")
        var name: String

        @Argument(help: "The exact version.")
        var version: String

        @Option(help: "Why, and what to use instead.")
        var reason = ""

        @Flag(help: "Take it back.")
        var undo = false

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if undo != reason.isEmpty {
                throw ValidationError("Give either --reason or --undo.")
            }
        }

        func run() async throws {
            var request = Hedgerow_Registry_V1_DeprecateComponentRequest()
            request.component = name
            request.version = version
            request.reason = reason
            request.undo = undo
            _ = try await home.withCloud { [request] cloud in
                try await cloud.registry.deprecateComponent(request, options: cloud.options)
            }
            try output.write(
                json: .object([
                    ("component", .text(name)), ("version", .text(version)), ("deprecated", .boolean(!undo)),
                    ("reason", undo ? .null : .text(reason)),
                ]),
                table: undo
                    ? "\(name) \(version) may be used again.\n" : "\(name) \(version) is deprecated.\n")
        }
    }
}

/// Aliases as the command line writes them.
enum AliasText {
    static func members(_ alias: Hedgerow_Registry_V1_ComponentAlias) -> [(String, JSONValue)] {
        [
            ("component", .text(alias.component)), ("alias", .text(alias.alias)),
            ("version", .text(alias.version)),
            ("updateTime", alias.hasUpdateTime ? .text(TimeText.exact(alias.updateTime)) : .null),
            ("author", .text(alias.author)),
        ]
    }

    static func json(_ move: Hedgerow_Registry_V1_ComponentAliasMove) -> JSONValue {
        .object([
            ("component", .text(move.component)), ("alias", .text(move.alias)),
            ("fromVersion", move.fromVersion.isEmpty ? .null : .text(move.fromVersion)),
            ("toVersion", move.toVersion.isEmpty ? .null : .text(move.toVersion)),
            ("moveTime", move.hasMoveTime ? .text(TimeText.exact(move.moveTime)) : .null),
            ("author", .text(move.author)),
        ])
    }
}
