import ArgumentParser
import Components
import HedgerowAPI
import Manifests

/// `hedgerow groups …`.
struct GroupsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups",
        abstract: "List and show groups, their history; roll back; replace a group's authority.",
        discussion: """
            A group is cores and things that belong together, with what runs there and what may flow between them. \
            Groups are made and changed with hedgerow apply.

            Example:
              hedgerow groups list
              hedgerow groups show press-hall
              hedgerow groups history press-hall
            """,
        subcommands: [List.self, Show.self, History.self, Rollback.self, RotateCA.self])
}

extension GroupsCommand {
    /// `groups list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List groups.",
            discussion: """
                Example:
                  hedgerow groups list
                  hedgerow groups list --output json
                """)

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let groups = try await home.withCloud { cloud in
                try await Pages.all { token in
                    var request = Hedgerow_Registry_V1_ListGroupsRequest()
                    request.pageSize = 1_000
                    request.pageToken = token
                    let page = try await cloud.registry.listGroups(request, options: cloud.options)
                    return (page.groups, page.nextPageToken)
                }
            }
            var table = Table(["NAME", "REVISION", "CORES", "THINGS", "DEPLOYED"])
            for group in groups { table.add(GroupText.cells(group)) }
            try output.write(
                json: .list(groups.map(GroupText.json)),
                table: table.render(coloured: CommandIO.current.isColoured))
            if groups.isEmpty, output.format == .table {
                CommandIO.current.note("There are no groups yet; make one with: hedgerow apply -f FILE")
            }
        }
    }

    /// `groups show NAME`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Show a group: its newest revision, its cores and their state, its authorities; or one revision.",
            discussion: """
                Example:
                  hedgerow groups show press-hall
                  hedgerow groups show press-hall --definition > press-hall.yaml
                  hedgerow groups show press-hall --revision 3
                """)

        @Argument(help: "Its name.")
        var name: String

        @Flag(help: "Write its definition as a group file, to be applied again.")
        var definition = false

        @Option(help: "Show this revision instead, and nothing of the present state.")
        var revision: UInt64?

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if revision == 0 { throw ValidationError("--revision counts from 1.") }
        }

        func run() async throws {
            if let revision { return try await show(revision) }
            var request = Hedgerow_Registry_V1_GetGroupRequest()
            request.name = name
            let group = try await home.withCloud { [request] cloud in
                try await cloud.registry.getGroup(request, options: cloud.options).group
            }
            let io = CommandIO.current
            if definition {
                let definition = try GroupText.definition(group.newestRevision)
                try io.writeOutput(GroupManifest.render(definition))
                return
            }
            try output.write(
                json: GroupText.json(group), table: GroupText.details(group, coloured: io.isColoured))
        }

        private func show(_ revision: UInt64) async throws {
            var request = Hedgerow_Registry_V1_GetGroupRevisionRequest()
            request.group = name
            request.revision = revision
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.registry.getGroupRevision(request, options: cloud.options)
            }
            let io = CommandIO.current
            if definition {
                return try io.writeOutput(GroupManifest.render(try GroupText.definition(reply.revision)))
            }
            try output.write(
                json: .object([
                    ("summary", GroupHistoryText.json(reply.summary)),
                    ("definition", GroupText.json(reply.revision)),
                ]),
                table: GroupHistoryText.table([reply.summary], coloured: io.isColoured) + "\n"
                    + GroupText.details(reply.revision, coloured: io.isColoured))
        }
    }

    /// `groups rotate-ca NAME`.
    struct RotateCA: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-ca",
            abstract:
                "Replace a group's certificate authority and its cores' certificates; open streams go on.",
            discussion: """
                The cloud does so by itself every week. By hand it is for the day on which a core was stolen: revoke \
                that core as well.

                Example:
                  hedgerow groups rotate-ca press-hall
                """)

        @Argument(help: "The group's name.")
        var name: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Registry_V1_RotateGroupAuthorityRequest()
            request.group = name
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.registry.rotateGroupAuthority(request, options: cloud.options)
            }
            try output.write(
                json: .object([
                    ("group", .text(name)), ("authority", GroupText.json(reply.authority)),
                    ("notifiedCores", .unsigned(UInt64(reply.notifiedCores))),
                ]),
                table: "\(name) has a new authority, \(reply.authority.fingerprint.prefix(16))…; "
                    + "\(Text.count(reply.notifiedCores, "attached core")) told to get a new certificate.\n")
        }
    }
}
