import ArgumentParser
import EdgeCore
import Foundation
import Logging
import OTLPExporter
import Observability
import RPCSupport
import ServiceLifecycle
import UnixSignals

/// `hedgerow-core run`: what the service manager starts.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the core until SIGTERM or SIGINT (the default).",
        discussion: """
            Exit codes: 0 stopped as asked, 64 wrong settings, 74 the database turned out to be damaged (start again: it is
            repaired then), 78 the state directory cannot be used, 1 anything else.
            """)

    @Argument(
        parsing: .captureForPassthrough, help: "Settings: --KEY VALUE, see `hedgerow-core config keys`.")
    var settings: [String] = []

    func run() async throws {
        if settings.contains("--help") || settings.contains("-h") {
            throw CleanExit.helpRequest(HedgerowCore.self)
        }
        if settings.contains("--version") { throw CleanExit.message("hedgerow-core \(CoreVersion.current)") }
        AllocatorSettings.manyConnections.apply(environment: ProcessInfo.processInfo.environment)
        // For `hedgerow dev`: no setting, and in no list of them.
        let isPrinting = settings.contains("--print-programs")
        let loaded = try loadSettings(settings.filter { $0 != "--print-programs" })
        let logger: Logger
        do {
            try ProgramLogging.bootstrap(loaded)
            logger = Logger(label: "hedgerow.core")
            let environment = ProcessInfo.processInfo.environment
            let tracing = ProgramTracing.bootstrap(environment: environment, service: "hedgerow-core")
            let metrics = try ProgramMetrics.bootstrap(loaded)
            let core = CoreProgram(
                configuration: try CoreConfiguration(loaded), metrics: metrics?.registry,
                onNews: isPrinting ? printNews : nil, logger: logger)
            let reporter = ServiceReporter(
                manager: ServiceManager(environment: environment),
                program: core.report, clock: ContinuousClock(), logger: logger)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: tracing.services(
                        instance: { core.name }, version: CoreVersion.current, logger: logger)
                        + MetricsListener.services(metrics, logger: logger)
                        + [.init(service: StartupMemory())] + reporter.services(around: core),
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
            logger.info("core stopped")
        } catch let error as StateError {
            throw fail("\(error)", code: error.reason == .damagedWhileRunning ? 74 : 78)
        } catch let error as SettingsError {
            throw fail("\(error)", code: 64)
        } catch let error as InvalidAddress {
            throw fail("\(error)", code: 64)
        } catch let error as InvalidPlatformKey {
            throw fail("\(error)", code: 64)
        } catch {
            throw fail("\(error)", code: 1)
        }
    }
}

/// Writes what programs say to standard output, a line each.
@Sendable private func printNews(_ news: ProgramNews) {
    // Nobody reads any more: the core goes on, and is ended by whoever started it.
    try? FileHandle.standardOutput.write(contentsOf: Data((news.text + "\n").utf8))
}

/// Loads the settings, or says what is wrong with them and exits with 64.
func loadSettings(_ arguments: [String]) throws -> Settings {
    do {
        return try Settings.load(
            keys: CoreSettings.keys, arguments: arguments, environment: ProcessInfo.processInfo.environment)
    } catch {
        throw fail(error.description, code: 64)
    }
}

/// Says what is wrong on standard error.
func fail(_ message: String, code: Int32) -> ExitCode {
    FileHandle.standardError.write(Data("hedgerow-core: \(message)\n".utf8))
    return ExitCode(code)
}
