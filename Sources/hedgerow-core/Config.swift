import ArgumentParser
import EdgeCore
import Observability

/// `hedgerow-core config`: what the core would be told.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the configuration.", subcommands: [Print.self, Keys.self],
        defaultSubcommand: Print.self)

    /// `hedgerow-core config keys`.
    struct Keys: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List every setting: its flag, what it takes, its default and what it is for.")

        func run() { print(Settings.help(CoreSettings.keys)) }
    }

    /// `hedgerow-core config print`.
    struct Print: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every setting, its value, its default and where the value came from.")

        @Flag(help: "Print JSON.")
        var json = false

        @Argument(parsing: .allUnrecognized, help: "Settings: --KEY VALUE, see `hedgerow-core config keys`.")
        var settings: [String] = []

        func run() throws {
            let loaded = try loadSettings(settings)
            print(json ? loaded.renderJSON() : loaded.renderTable())
        }
    }
}
