import ArgumentParser
import Components

/// Whether a command waits for the end of a deployment, and how long.
struct WaitOptions: ParsableArguments {
    @Flag(help: "Wait until every core has come to an end.")
    var wait = false

    @Option(help: ArgumentHelp("How long --wait waits.", valueName: "time"))
    var timeout = "5m"

    /// How long it waits.
    ///
    /// It throws ``CLIError`` where `--timeout` is no span.
    var limit: TimeSpan {
        get throws(CLIError) {
            guard let limit = try? TimeSpan(parsing: timeout), limit > .seconds(0) else {
                throw CLIError(
                    .wrongUse, "--timeout is \"\(timeout)\"", hint: "write a span, such as 90s or 5m")
            }
            return limit
        }
    }
}
