import ArgumentParser
import FoundationEssentials
import HedgerowAPI

/// `hedgerow secrets …`: values that a group has for its programs.
struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "Set, list and remove the secrets of groups.",
        discussion: """
            A recipe names the secrets that its program may read (process.secrets). Each core of the group gets those that \
            its components name; nobody gets a value back out of the cloud.

            Example:
              hedgerow secrets set press-hall weather-key --from-file weather.key
              hedgerow secrets list press-hall
            """,
        subcommands: [Set.self, List.self, Remove.self])
}

extension SecretsCommand {
    /// `secrets set GROUP NAME`.
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a secret of a group a value, read from standard input or a file.",
            discussion: """
                Of standard input one line break at the end is left out, as echo writes one; a file is taken as it is. 1 \
                byte to 64 KiB. Cores that are attached fetch the value at once, others when they attach; no deployment is \
                needed, and no program is started anew: it gets the value when it asks the next time.

                Example:
                  printf %s "$WEATHER_KEY" | hedgerow secrets set press-hall weather-key
                  hedgerow secrets set press-hall client-key --from-file client.pem
                """)

        @Argument(help: "The group's name.")
        var group: String

        @Argument(help: "The secret's name: 1 to 128 of A-Z a-z 0-9 . _ -")
        var name: String

        @Option(help: ArgumentHelp("Read the value from this file.", valueName: "file"))
        var fromFile: String?

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        /// Most bytes of a value.
        private static let maximumBytes = 64 << 10

        func run() async throws {
            var request = Hedgerow_Registry_V1_SetSecretRequest()
            request.group = group
            request.name = name
            request.value = try await value()
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.registry.setSecret(request, options: cloud.options)
            }
            let version = reply.secret.version
            try output.write(
                json: .object(
                    SecretText.members(reply.secret) + [
                        ("changed", .boolean(reply.changed)),
                        ("notifiedCores", .integer(Int64(reply.notifiedCores))),
                    ]),
                table: reply.changed
                    ? "Secret \(name) of group \(group) has a new value (version \(version)).\n"
                    : "Secret \(name) of group \(group) has that value already (version \(version)).\n")
            if output.format == .table, reply.changed {
                CommandIO.current.note(SecretText.cores(reply.notifiedCores, "fetch it"))
            }
        }

        private func value() async throws -> Data {
            var value: Data
            if let fromFile {
                value = try await CommandIO.current.readData(fromFile)
            } else {
                value = try await CommandIO.current.readData("-")
                if value.last == UInt8(ascii: "\n") { value.removeLast() }
            }
            guard !value.isEmpty else {
                throw CLIError(
                    .wrongUse, "the value is empty",
                    hint: "write it to standard input, or name a file with --from-file")
            }
            guard value.count <= Self.maximumBytes else {
                throw CLIError(
                    .wrongUse,
                    "the value has \(value.count) bytes, and a secret has at most \(Self.maximumBytes)",
                    hint: "give large files to a component as artifacts")
            }
            return value
        }
    }

    /// `secrets list [GROUP]`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List secrets: names, versions and sizes, no values.",
            discussion: """
                Example:
                  hedgerow secrets list press-hall
                """)

        @Argument(help: "Only those of this group.")
        var group: String?

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let secrets = try await home.withCloud { cloud in
                try await Pages.all { token in
                    var request = Hedgerow_Registry_V1_ListSecretsRequest()
                    request.group = group ?? ""
                    request.pageSize = 1_000
                    request.pageToken = token
                    let page = try await cloud.registry.listSecrets(request, options: cloud.options)
                    return (page.secrets, page.nextPageToken)
                }
            }
            var table = Table(["GROUP", "SECRET", "VERSION", "BYTES", "SET", "BY"])
            for secret in secrets {
                table.add([
                    Table.Cell(secret.group), Table.Cell(secret.name), Table.Cell("\(secret.version)"),
                    Table.Cell("\(secret.sizeBytes)"),
                    Table.Cell(secret.hasUpdateTime ? TimeText.milliseconds(secret.updateTime) ?? "" : ""),
                    Table.Cell(secret.author),
                ])
            }
            try output.write(
                json: .list(secrets.map { .object(SecretText.members($0)) }),
                table: table.render(coloured: CommandIO.current.isColoured))
        }
    }

    /// `secrets remove GROUP NAME`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a secret from a group and from its cores.",
            discussion: """
                A program that asks for it is told that there is none, from then on. A deployment whose components name it \
                fails until it is set again.

                Example:
                  hedgerow secrets remove press-hall weather-key
                """)

        @Argument(help: "The group's name.")
        var group: String

        @Argument(help: "The secret's name.")
        var name: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Registry_V1_DeleteSecretRequest()
            request.group = group
            request.name = name
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.registry.deleteSecret(request, options: cloud.options)
            }
            try output.write(
                json: .object([
                    ("group", .text(group)), ("name", .text(name)), ("deleted", .boolean(true)),
                    ("notifiedCores", .integer(Int64(reply.notifiedCores))),
                ]),
                table: "Group \(group) has no secret \(name) any more.\n")
            if output.format == .table {
                CommandIO.current.note(SecretText.cores(reply.notifiedCores, "remove it"))
            }
        }
    }
}

/// Secrets as the command line writes them: everything but their values.
enum SecretText {
    static func members(_ secret: Hedgerow_Registry_V1_Secret) -> [(String, JSONValue)] {
        [
            ("group", .text(secret.group)), ("name", .text(secret.name)),
            ("version", .integer(Int64(clamping: secret.version))),
            ("sizeBytes", .integer(Int64(secret.sizeBytes))),
            ("createTime", secret.hasCreateTime ? .text(TimeText.exact(secret.createTime)) : .null),
            ("updateTime", secret.hasUpdateTime ? .text(TimeText.exact(secret.updateTime)) : .null),
            ("author", .text(secret.author)),
        ]
    }

    /// Who does something about it when.
    static func cores(_ count: UInt32, _ what: String) -> String {
        switch count {
        case 0: "No core of the group is attached; its cores \(what) when they attach."
        case 1: "1 attached core was told to \(what); others do when they attach."
        default: "\(count) attached cores were told to \(what); others do when they attach."
        }
    }
}
