import ArgumentParser
import PKI

/// Where the command line keeps who its user is.
struct HomeOptions: ParsableArguments, Sendable {
    /// The directory, where it is given.
    @Option(
        name: .customLong("home"),
        help: ArgumentHelp(
            "Directory with your identity (default: HEDGEROW_HOME, else hedgerow in the XDG config directory).",
            valueName: "dir"))
    var home: String?

    /// Makes the options, nothing given.
    init() {}

    /// The directory: `--home`, else `HEDGEROW_HOME`, else `$XDG_CONFIG_HOME/hedgerow`, else
    /// `~/.config/hedgerow`.
    ///
    /// - Throws: ``CLIError`` where there is none of them.
    func directory(environment: [String: String]) throws(CLIError) -> IdentityDirectory {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let path = home ?? variable("HEDGEROW_HOME") { return IdentityDirectory(path: path) }
        // The XDG specification says that a relative path is to be ignored.
        if let config = variable("XDG_CONFIG_HOME"), config.hasPrefix("/") {
            return IdentityDirectory(path: config + "/hedgerow")
        }
        guard let user = variable("HOME") else {
            throw CLIError(
                .wrongUse, "there is no directory for your identity",
                hint: "set HOME or HEDGEROW_HOME, or give --home")
        }
        return IdentityDirectory(path: user + "/.config/hedgerow")
    }
}
