import ArgumentParser
import Cloud
import Foundation
import RPCSupport

/// `hedgerow-cloud doctor`: what keeps the cloud from working.
struct Doctor: AsyncParsableCommand {
    /// How the report is written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json
    }

    static let configuration = CommandConfiguration(
        abstract: "Find out what keeps the cloud from working, and what to do.",
        discussion: """
            It takes the settings that the cloud has, takes no lock and writes nothing, so the cloud may run \
            meanwhile. Run it as the user that runs the cloud. It checks clock, state directory, secrets, disk, database, certificate authorities and their keys, addresses, and the \
            TLS of a cloud that runs.

            Each check is a line: OK, WARN (it works, but not for ever), FAIL or SKIP. Exit codes: 0 nothing failed, \
            1 something did, 64 wrong settings.

            Example:
              hedgerow-cloud doctor
              hedgerow-cloud doctor --state /var/lib/hedgerow-cloud
              hedgerow-cloud doctor --output json
            """)

    @Option(
        name: [.customLong("output"), .customShort("o")], help: "How the report is written: table or json.")
    var format = Format.table

    @Argument(parsing: .allUnrecognized, help: "Settings: --KEY VALUE, see `hedgerow-cloud --help`.")
    var settings: [String] = []

    func run() async throws {
        let configuration: CloudConfiguration
        do {
            configuration = try CloudConfiguration(try loadSettings(settings))
        } catch let error as ExitCode {
            throw error
        } catch {
            throw fail("\(error)", code: 64)
        }
        let report = await CloudDoctor(configuration: configuration).examine()
        let environment = ProcessInfo.processInfo.environment
        let isColoured =
            isatty(1) == 1 && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
        print(format == .json ? report.json() : report.text(coloured: isColoured), terminator: "")
        if !report.isHealthy { throw ExitCode(report.exitCode) }
    }
}
