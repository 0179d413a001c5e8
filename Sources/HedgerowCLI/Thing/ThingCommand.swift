import ArgumentParser

/// `hedgerow thing`: be a thing.
struct ThingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thing", abstract: "Be a thing: enrol, publish readings, hear commands.",
        subcommands: [ThingRunCommand.self, ThingEnrollCommand.self])
}
