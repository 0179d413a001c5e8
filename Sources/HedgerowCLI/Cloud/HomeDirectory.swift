import ArgumentParser
import PKI

/// Where the command line keeps who its user is, and as whom a command goes to which cloud.
struct HomeOptions: ParsableArguments, Sendable {
    /// The directory, where it is given.
    @Option(
        name: .customLong("home"),
        help: ArgumentHelp(
            "Directory with your identities (default: HEDGEROW_HOME, else hedgerow in the XDG config directory).",
            valueName: "dir"), completion: .directory)
    var home: String?

    /// The context, where it is given.
    @Option(
        name: .customLong("context"),
        help: ArgumentHelp(
            "The context, that is which cloud and as whom (default: HEDGEROW_CONTEXT, else the current one).",
            valueName: "name"), completion: .custom { _, _, _ in HomeOptions.completions() })
    var context: String?

    /// Makes the options, nothing given.
    init() {}

    /// The directory of the identity that a command uses. Blocks.
    ///
    /// - Throws: ``CLIError`` where there is none.
    func directory(environment: [String: String]) throws(CLIError) -> IdentityDirectory {
        try choice(environment: environment).directory
    }

    /// The context: `--context`, else `HEDGEROW_CONTEXT`, else the current one. Blocks.
    ///
    /// - Throws: ``CLIError`` where there is no home directory, or the name cannot be one.
    func choice(environment: [String: String]) throws(CLIError) -> ContextChoice {
        let store = try store(environment: environment)
        if let context {
            try ContextStore.check(context)
            return ContextChoice(store: store, name: context, origin: .option)
        }
        if let name = Self.variable("HEDGEROW_CONTEXT", environment) {
            try ContextStore.check(name)
            return ContextChoice(store: store, name: name, origin: .variable)
        }
        return ContextChoice(store: store, name: try store.current(), origin: .current)
    }

    /// The home directory: `--home`, else `HEDGEROW_HOME`, else `$XDG_CONFIG_HOME/hedgerow`, else
    /// `~/.config/hedgerow` (XDG Base Directory Specification 0.8).
    ///
    /// - Throws: ``CLIError`` where there is none of them.
    func store(environment: [String: String]) throws(CLIError) -> ContextStore {
        try Self.store(home: home, environment: environment)
    }

    private static func store(home: String?, environment: [String: String]) throws(CLIError) -> ContextStore {
        if let path = home ?? variable("HEDGEROW_HOME", environment) { return ContextStore(path: path) }
        // The XDG specification says that a relative path is to be ignored.
        if let config = variable("XDG_CONFIG_HOME", environment), config.hasPrefix("/") {
            return ContextStore(path: config + "/hedgerow")
        }
        guard let user = variable("HOME", environment) else {
            throw CLIError(
                .wrongUse, "there is no directory for your identity",
                hint: "set HOME or HEDGEROW_HOME, or give --home")
        }
        return ContextStore(path: user + "/.config/hedgerow")
    }

    /// A variable that is set to something.
    private static func variable(_ name: String, _ environment: [String: String]) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The contexts' names, for the shell.
    @Sendable static func completions() -> [String] {
        (try? store(home: nil, environment: CommandIO.current.environment).names()) ?? []
    }
}
