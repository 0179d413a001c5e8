import ArgumentParser
import EdgeCore

/// `hedgerow-core healthcheck`: what a container's health check runs.
struct Healthcheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the core that runs here whether it serves things.",
        discussion: """
            Takes the settings that the running core has, of which only --state matters. It connects to the core's own \
            listener as the core itself, so it must run as the core's user. Before the first deployment a core serves \
            no things, and this says so.

            Exit codes: 0 it serves, 1 it does not, 64 wrong settings.

            Example: hedgerow-core healthcheck --state /var/lib/hedgerow-core
            """)

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
        do {
            let endpoint = try await CoreHealthCheck(statePath: configuration.statePath).run(
                within: .seconds(5))
            print("serves things at \(endpoint)")
        } catch {
            throw fail("\(error)", code: 1)
        }
    }
}
