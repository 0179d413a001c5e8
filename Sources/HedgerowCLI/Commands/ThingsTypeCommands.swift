import ArgumentParser
import Components
import HedgerowAPI

extension ThingsCommand.Create {
    /// Reads attributes as they are written on a command line.
    static func attributes(_ texts: [String]) throws(CLIError) -> [String: String] {
        var attributes: [String: String] = [:]
        for text in texts {
            guard let (key, value) = ValueText.split(text) else {
                throw CLIError(.wrongUse, "--attribute is \"\(text)\"", hint: "write KEY=VALUE")
            }
            attributes[key] = value
        }
        return attributes
    }
}

extension ThingsCommand {
    /// `things set-attributes NAME`.
    struct SetAttributes: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set-attributes",
            abstract: "Set the type and attributes of a thing or core.",
            discussion: """
                What is not named stays as it is. Groups with selectors take part of it when they are applied again.

                Example:
                  hedgerow things set-attributes bme680-1 --attribute hall=paint
                  hedgerow things set-attributes bme680-1 --type bme680 --remove spare
                """)

        @Argument(help: "Its name.")
        var name: String

        @Option(help: ArgumentHelp("An attribute to set; may be repeated.", valueName: "key=value"))
        var attribute: [String] = []

        @Option(help: ArgumentHelp("An attribute to remove; may be repeated.", valueName: "key"))
        var remove: [String] = []

        @Option(help: "The name of its type; \"\" for none.")
        var type: String?

        @Flag(help: "Remove all attributes that are not named.")
        var replace = false

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if attribute.isEmpty, remove.isEmpty, type == nil, !replace {
                throw ValidationError("Name what to set: --attribute, --remove, --type or --replace.")
            }
        }

        func run() async throws {
            var request = Hedgerow_Registry_V1_SetThingAttributesRequest()
            request.name = name
            request.attributes = try Create.attributes(attribute)
            request.removeAttributes = remove
            request.replace = replace
            if let type { request.type = type }
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.registry.setThingAttributes(request, options: cloud.options)
            }
            try output.write(
                json: .object(ThingText.members(reply.thing) + [("changed", .boolean(reply.changed))]),
                table: ThingText.details(reply.thing))
            if output.format == .table, !reply.changed {
                CommandIO.current.note("Nothing changes: it was so already.")
            }
        }
    }

    /// `things types`.
    struct Types: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the types of things that are described, with their attributes.",
            discussion: """
                A type is described by a file of kind: ThingType; see hedgerow apply. Where a type names attributes, \
                its things have no others. A thing may have a type that nobody describes.

                Example:
                  hedgerow things types
                """)

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let types = try await home.withCloud { cloud in
                try await Pages.all { token in
                    var request = Hedgerow_Registry_V1_ListThingTypesRequest()
                    request.pageSize = 1_000
                    request.pageToken = token
                    let page = try await cloud.registry.listThingTypes(request, options: cloud.options)
                    return (page.types, page.nextPageToken)
                }
            }
            var table = Table(["TYPE", "ATTRIBUTE", "MEANS"])
            for type in types {
                table.add([Table.Cell(type.name), Table.Cell(""), Table.Cell(type.description_p)])
                for (key, text) in type.attributes.sorted(by: { $0.key < $1.key }) {
                    table.add([Table.Cell(type.name), Table.Cell(key), Table.Cell(text)])
                }
            }
            try output.write(
                json: .list(
                    types.map { type in
                        .object([
                            ("name", .text(type.name)), ("description", .text(type.description_p)),
                            (
                                "attributes",
                                .object(
                                    type.attributes.sorted { $0.key < $1.key }.map {
                                        ($0.key, .text($0.value))
                                    })
                            ),
                        ])
                    }),
                table: table.render(coloured: CommandIO.current.isColoured))
        }
    }

    /// `things delete-type NAME`.
    struct DeleteType: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete-type",
            abstract: "Delete the description of a type that no thing has.",
            discussion: """
                Example:
                  hedgerow things delete-type bme680
                """)

        @Argument(help: "The type's name.")
        var name: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Registry_V1_DeleteThingTypeRequest()
            request.name = name
            _ = try await home.withCloud { [request] cloud in
                try await cloud.registry.deleteThingType(request, options: cloud.options)
            }
            try output.write(
                json: .object([("name", .text(name)), ("deleted", .boolean(true))]),
                table: "The type \(name) is deleted.\n")
        }
    }
}
