import ArgumentParser
import Components
import FoundationEssentials
import HedgerowAPI
import PKI

/// `hedgerow things …`: the registry of things and cores.
struct ThingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "things", abstract: "Register, list and delete things and cores.",
        discussion: """
            A thing is a device with a name and a certificate; a core is a thing that runs hedgerow-core.

            Example:
              hedgerow things create bme680-1
              hedgerow things list
            """,
        subcommands: [
            Create.self, List.self, Show.self, SetAttributes.self, Types.self, DeleteType.self, Delete.self,
            Token.self,
        ])
}

extension ThingsCommand {
    /// `things create NAME`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a thing or a core and write the token file that it enrols with.",
            discussion: """
                The token file is a secret (mode 0600). It works once, for 7 days unless --valid-for says else.

                Example:
                  hedgerow things create bme680-1 --type bme680 --attribute hall=press
                  hedgerow things create pi-1 --core --token-file pi-1.token --valid-for 12h
                """)

        @Argument(help: "Name: 1 to 128 of A-Z a-z 0-9 . _ -")
        var name: String

        @Flag(help: "Register an edge core.")
        var core = false

        @Option(help: "The name of its type.")
        var type = ""

        @Option(help: ArgumentHelp("A free attribute; may be repeated.", valueName: "key=value"))
        var attribute: [String] = []

        @OptionGroup var file: TokenFileOptions
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Registry_V1_CreateThingRequest()
            request.requestID = UUID().uuidString
            request.name = name
            request.kind = core ? .core : .thing
            request.type = type
            request.attributes = try Self.attributes(attribute)
            let path = file.path ?? "\(name).token"
            try await file.checkPlace(path)
            let (thing, token) = try await home.withCloud { [request] cloud in
                let thing = try await cloud.registry.createThing(request, options: cloud.options).thing
                return (thing, try await file.request(cloud, role: core ? .core : .thing, name: name))
            }
            try await file.write(token, to: path)
            try output.write(
                json: .object(ThingText.members(thing) + [("tokenFile", .text(path))]),
                table: "\(core ? "Core" : "Thing") \(name) is registered; its token file is \(path).\n"
                    + (core
                        ? "Next: hedgerow-core run --token \(path), on the machine that is to be the core\n"
                        : "Next: add it to a group, and hedgerow thing run --token \(path)\n"))
        }
    }

    /// `things list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List things and cores.",
            discussion: """
                Example:
                  hedgerow things list
                  hedgerow things list --cores --output json
                  hedgerow things list --selector 'type=bme680,hall in (press,paint)'
                """)

        @Flag(help: "Only cores.")
        var cores = false

        @Flag(help: "Only things that are no cores.")
        var things = false

        @Option(help: "Only those that it matches, by type, attributes and name.")
        var selector = ""

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if cores && things { throw ValidationError("--cores and --things exclude each other.") }
        }

        func run() async throws {
            let kind: Hedgerow_Registry_V1_ThingKind = cores ? .core : things ? .thing : .unspecified
            if !selector.isEmpty {
                do throws(InvalidSelector) {
                    _ = try ThingSelector(parsing: selector)
                } catch {
                    throw CLIError(.wrongUse, error.description)
                }
            }
            let all = try await home.withCloud { cloud in
                try await Pages.all { token in
                    var request = Hedgerow_Registry_V1_ListThingsRequest()
                    request.kind = kind
                    request.selector = selector
                    request.pageSize = 1_000
                    request.pageToken = token
                    let page = try await cloud.registry.listThings(request, options: cloud.options)
                    return (page.things, page.nextPageToken)
                }
            }
            var table = Table(["NAME", "KIND", "TYPE", "GROUP", "CONNECTED", "LAST SEEN", "ATTRIBUTES"])
            for thing in all { table.add(ThingText.cells(thing)) }
            try output.write(
                json: .list(all.map { .object(ThingText.members($0)) }),
                table: table.render(coloured: CommandIO.current.isColoured))
            if all.isEmpty, output.format == .table {
                CommandIO.current.note(
                    !selector.isEmpty
                        ? "The selector matches nothing."
                        : "There are no things yet; register one with: hedgerow things create NAME")
            }
        }
    }

    /// `things show NAME`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a thing or core with its certificates.",
            discussion: """
                Example:
                  hedgerow things show bme680-1
                """)

        @Argument(help: "Its name.")
        var name: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Registry_V1_GetThingRequest()
            request.name = name
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.registry.getThing(request, options: cloud.options)
            }
            var table = Table(["SERIAL NUMBER", "VALID FROM", "VALID UNTIL", "REVOKED"])
            for certificate in reply.certificates {
                table.add([
                    Table.Cell(certificate.serialNumber),
                    Table.Cell(TimeText.milliseconds(certificate.notBeforeTime) ?? ""),
                    Table.Cell(TimeText.milliseconds(certificate.notAfterTime) ?? ""),
                    Table.Cell(
                        certificate.hasRevokeTime ? TimeText.milliseconds(certificate.revokeTime) ?? "" : "",
                        style: .bad),
                ])
            }
            let coloured = CommandIO.current.isColoured
            let certificates =
                reply.certificates.isEmpty ? "No certificates.\n" : table.render(coloured: coloured)
            try output.write(
                json: .object(
                    ThingText.members(reply.thing) + [
                        ("certificates", .list(reply.certificates.map(ThingText.json)))
                    ]),
                table: ThingText.details(reply.thing) + "\n" + certificates)
        }
    }

    /// `things delete NAME`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a thing or core and revoke its certificates; its history stays.",
            discussion: """
                What a group names cannot be deleted: apply the group without it first.

                Example:
                  hedgerow things delete bme680-1
                """)

        @Argument(help: "Its name.")
        var name: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Registry_V1_DeleteThingRequest()
            request.name = name
            _ = try await home.withCloud { [request] cloud in
                try await cloud.registry.deleteThing(request, options: cloud.options)
            }
            try output.write(
                json: .object([("name", .text(name)), ("deleted", .boolean(true))]),
                table: "\(name) is deleted.\n")
        }
    }

    /// `things token NAME`.
    struct Token: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a new token file for a thing or core, or for an operator or app.",
            discussion: """
                The token file is a secret (mode 0600). It works once.

                Example:
                  hedgerow things token bme680-1 --overwrite
                  hedgerow things token ann --role operator
                """)

        @Argument(help: "Its name.")
        var name: String

        @Option(help: "Role: thing, core, operator or app (default: what the registry says).")
        var role: RoleArgument?

        @OptionGroup var file: TokenFileOptions
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = file.path ?? "\(name).token"
            try await file.checkPlace(path)
            let token = try await home.withCloud { cloud in
                let role: Hedgerow_Registry_V1_IdentityRole
                if let given = self.role {
                    role = given.wire
                } else {
                    var request = Hedgerow_Registry_V1_GetThingRequest()
                    request.name = name
                    let thing = try await cloud.registry.getThing(request, options: cloud.options).thing
                    role = thing.kind == .core ? .core : .thing
                }
                return try await file.request(cloud, role: role, name: name)
            }
            try await file.write(token, to: path)
            try output.write(
                json: .object([
                    ("name", .text(name)), ("tokenFile", .text(path)),
                    ("expireTime", .text(TimeText.exact(token.expireTime))),
                ]),
                table: "The token file is \(path); it works once, until "
                    + "\(TimeText.milliseconds(token.expireTime) ?? "it expires").\n")
        }
    }
}
