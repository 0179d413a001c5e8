import ArgumentParser

/// `hedgerow thing`: be a thing.
struct ThingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thing", abstract: "Be a thing: enrol, publish readings, hear commands.",
        discussion: """
            Example:
              hedgerow thing run --token bme680-1.token
              hedgerow thing enroll --token bme680-1.token
            """,
        subcommands: [ThingRunCommand.self, ThingEnrollCommand.self])
}
