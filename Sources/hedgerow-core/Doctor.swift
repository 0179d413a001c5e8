import ArgumentParser
import EdgeCore
import Foundation
import RPCSupport

/// `hedgerow-core doctor`: what keeps the core from working.
struct Doctor: AsyncParsableCommand {
    /// How the report is written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json
    }

    static let configuration = CommandConfiguration(
        abstract: "Find out what keeps the core from working, and what to do.",
        discussion: """
            It takes the settings that the core has, takes no lock and writes nothing, so the core may run \
            meanwhile. Run it as the user that runs the core. It checks clock (the last time known, the kernel, the cloud's clock), state directory, secrets, disk, database, \
            certificates, addresses, the way to the cloud, I2C buses, the CPU's temperature where a component needs it.

            Each check is a line: OK, WARN (it works, but not for ever), FAIL or SKIP. Exit codes: 0 nothing failed, \
            1 something did, 64 wrong settings.

            Example:
              hedgerow-core doctor
              hedgerow-core doctor --state /var/lib/hedgerow-core
              hedgerow-core doctor --output json
            """)

    @Option(
        name: [.customLong("output"), .customShort("o")], help: "How the report is written: table or json.")
    var format = Format.table

    @Argument(parsing: .allUnrecognized, help: "Settings: --KEY VALUE, see `hedgerow-core config keys`.")
    var settings: [String] = []

    func run() async throws {
        let configuration: CoreConfiguration
        do {
            configuration = try CoreConfiguration(try loadSettings(settings))
        } catch let error as ExitCode {
            throw error
        } catch {
            throw fail("\(error)", code: 64)
        }
        let report = await CoreDoctor(configuration: configuration).examine()
        let environment = ProcessInfo.processInfo.environment
        let isColoured =
            isatty(1) == 1 && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
        print(format == .json ? report.json() : report.text(coloured: isColoured), terminator: "")
        if !report.isHealthy { throw ExitCode(report.exitCode) }
    }
}
