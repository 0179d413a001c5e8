import ArgumentParser
import PKI

/// `hedgerow context …`: which cloud commands go to, and as whom.
struct ContextCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context",
        abstract: "Choose between several clouds, or several identities at one.",
        discussion: """
            A context is an identity and the cloud that gave it. hedgerow init --context NAME makes one; without a \
            name it makes the context "default". Every command takes --context NAME, else HEDGEROW_CONTEXT, else the \
            current context.

            Example:
              hedgerow init --context factory operator.token
              hedgerow context use factory
              hedgerow things list --context default
            """,
        subcommands: [List.self, Show.self, Use.self, Rename.self, Delete.self])
}

extension ContextCommand {
    /// `context list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the contexts, with who you are there and until when your certificate is valid.",
            discussion: """
                Example:
                  hedgerow context list
                  hedgerow context list --output json
                """)

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let io = CommandIO.current
            let contexts = try await BlockingIO.run {
                let store = try home.store(environment: io.environment)
                let current = try home.choice(environment: io.environment).name
                return store.names().map { ContextText($0, isCurrent: $0 == current, store: store) }
            }
            var table = Table(ContextText.header)
            for context in contexts { table.add(context.cells(at: io.now())) }
            try output.write(
                json: .list(contexts.map(\.json)), table: table.render(coloured: io.isColoured))
            if contexts.isEmpty, output.format == .table {
                io.note("There are no contexts yet; make one with: hedgerow init FILE")
            }
        }
    }

    /// `context show [NAME]`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a context: the one that commands use now, or the one named.",
            discussion: """
                Example:
                  hedgerow context show
                  hedgerow context show factory --output json
                """)

        @Argument(
            help: "The context's name (default: the one that commands use now).",
            completion: .custom { _, _, _ in HomeOptions.completions() })
        var name: String?

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let environment = CommandIO.current.environment
            let (context, origin) = try await BlockingIO.run {
                let choice = try home.choice(environment: environment)
                let shown = name ?? choice.name
                try ContextStore.check(shown)
                guard choice.store.has(shown) else { throw choice.store.absence(of: shown) }
                return (
                    ContextText(shown, isCurrent: shown == choice.name, store: choice.store),
                    name == nil ? choice.origin : nil
                )
            }
            try output.write(json: context.json, table: context.details(origin: origin))
        }
    }

    /// `context use NAME`.
    struct Use: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a context the current one.",
            discussion: """
                --context and HEDGEROW_CONTEXT still come before it.

                Example:
                  hedgerow context use factory
                """)

        @Argument(
            help: "The context's name.", completion: .custom { _, _, _ in HomeOptions.completions() })
        var name: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let environment = CommandIO.current.environment
            let identity = try await BlockingIO.run {
                try ContextStore.check(name)
                let store = try home.store(environment: environment)
                let identity = try store.identity(of: name)
                try store.setCurrent(name)
                return identity
            }
            try output.write(
                json: .object([("name", .text(name)), ("current", .boolean(true))]),
                table:
                    "The current context is \(name): you are \(identity.principal) of \(identity.trustDomain).\n"
            )
            if let other = environment["HEDGEROW_CONTEXT"], !other.isEmpty, other != name {
                CLIError.note("warning: HEDGEROW_CONTEXT is \(other), which comes before the current context")
            }
        }
    }

    /// `context rename OLD NEW`.
    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a context another name; the current one stays current.",
            discussion: """
                Example:
                  hedgerow context rename default home
                """)

        @Argument(
            help: "The context's name.", completion: .custom { _, _, _ in HomeOptions.completions() })
        var name: String

        @Argument(help: "Its new name.")
        var newName: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let environment = CommandIO.current.environment
            try await BlockingIO.run {
                try ContextStore.check(name)
                try ContextStore.check(newName)
                try home.store(environment: environment).rename(name, to: newName)
            }
            try output.write(
                json: .object([("name", .text(newName)), ("oldName", .text(name))]),
                table: "The context \(name) is called \(newName) now.\n")
        }
    }

    /// `context delete NAME`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a context: the identity and its key are gone.",
            discussion: """
                The certificate stays valid until it expires; revoke it before, where that matters. The current context \
                is deleted with --force only; the current one is "default" then.

                Example:
                  hedgerow context delete factory
                """)

        @Argument(
            help: "The context's name.", completion: .custom { _, _, _ in HomeOptions.completions() })
        var name: String

        @Flag(help: "Delete it although it is the current one, or cannot be read.")
        var force = false

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let environment = CommandIO.current.environment
            try await BlockingIO.run {
                try ContextStore.check(name)
                let store = try home.store(environment: environment)
                guard store.has(name) else { throw store.absence(of: name) }
                if force {
                    if (try? store.current()) ?? name == name { try store.setCurrent(ContextStore.standard) }
                } else {
                    _ = try store.identity(of: name)
                    if try store.current() == name {
                        throw CLIError(
                            .wrongUse, "the context \"\(name)\" is the current one",
                            hint: "use another one first (hedgerow context use NAME), or add --force")
                    }
                }
                try store.remove(name)
            }
            try output.write(
                json: .object([("name", .text(name)), ("deleted", .boolean(true))]),
                table: "The context \(name) is deleted.\n")
        }
    }
}
