import ArgumentParser
import Observability

/// `hedgerow-cloud config`: what the cloud would be told.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the configuration.", subcommands: [Print.self], defaultSubcommand: Print.self)

    /// `hedgerow-cloud config print`.
    struct Print: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every setting, its value, its default and where the value came from.")

        @Flag(help: "Print JSON.")
        var json = false

        @Argument(parsing: .allUnrecognized, help: "Settings: --KEY VALUE, see `hedgerow-cloud --help`.")
        var settings: [String] = []

        func run() throws {
            let loaded = try loadSettings(settings)
            print(json ? loaded.renderJSON() : loaded.renderTable())
        }
    }
}
