import ArgumentParser
import Cloud

/// `hedgerow-cloud healthcheck`: what a container's health check runs.
struct Healthcheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the cloud that runs here whether it serves.",
        discussion: """
            Takes the settings that the running cloud has: flags, environment and --config. It connects to the cloud's \
            listener for enrolment, which asks for no certificate, and checks that it is this cloud.

            Exit codes: 0 it serves, 1 it does not, 64 wrong settings.

            Example: hedgerow-cloud healthcheck --state /var/lib/hedgerow-cloud
            """)

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
        do {
            let endpoint = try await CloudHealthCheck(configuration: configuration).run(within: .seconds(5))
            print("serves, asked at \(endpoint)")
        } catch {
            throw fail("\(error)", code: 1)
        }
    }
}
