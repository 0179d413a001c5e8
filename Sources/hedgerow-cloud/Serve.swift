import ArgumentParser
import Cloud
import Foundation
import Logging
import OTLPExporter
import Observability
import RPCSupport
import ServiceLifecycle
import UnixSignals

/// `hedgerow-cloud serve`: what the service manager starts.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until SIGTERM or SIGINT (the default).",
        discussion: """
            Exit codes: 0 stopped as asked, 64 wrong settings, 78 the state directory cannot be used, 1 anything else.
            """)

    @Argument(parsing: .captureForPassthrough, help: "Settings: --KEY VALUE, see `hedgerow-cloud --help`.")
    var settings: [String] = []

    func run() async throws {
        if settings.contains("--help") || settings.contains("-h") {
            throw CleanExit.helpRequest(HedgerowCloud.self)
        }
        if settings.contains("--version") {
            throw CleanExit.message("hedgerow-cloud \(CloudVersion.current)")
        }
        AllocatorSettings.largeMessages.apply(environment: ProcessInfo.processInfo.environment)
        // For `hedgerow dev`: no setting, and in no list of them.
        let isDevelopment = settings.contains("--development")
        let loaded = try loadSettings(settings.filter { $0 != "--development" })
        do {
            try ProgramLogging.bootstrap(loaded)
            let logger = Logger(label: "hedgerow.cloud")
            let environment = ProcessInfo.processInfo.environment
            let tracing = ProgramTracing.bootstrap(environment: environment, service: "hedgerow-cloud")
            logger.info("cloud starts", metadata: ["version": "\(CloudVersion.current)"])
            let configuration = try CloudConfiguration(loaded).replacingVersions(isDevelopment)
            let metrics = try ProgramMetrics.bootstrap(loaded)
            let cloud = CloudProgram(
                configuration: configuration, metrics: metrics?.registry, logger: logger)
            let reporter = ServiceReporter(
                manager: ServiceManager(environment: environment),
                program: cloud.report, clock: ContinuousClock(), logger: logger)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: tracing.services(
                        instance: { configuration.trustDomain }, version: CloudVersion.current, logger: logger
                    )
                        + MetricsListener.services(metrics, logger: logger)
                        + [.init(service: StartupMemory())] + reporter.services(around: cloud),
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
            logger.info("cloud stopped")
        } catch let error as SettingsError {
            throw fail("\(error)", code: 64)
        } catch let error as CloudStartError {
            throw fail("\(error)", code: processExitCode(for: error))
        } catch {
            throw fail("\(error)", code: 1)
        }
    }
}

/// The exit codes that the help promises.
private func processExitCode(for error: CloudStartError) -> Int32 {
    switch error {
    case .badSetting: 64
    case .cannotListen: 1
    case .stateInUse, .stateUnusable, .databaseUnusable, .databaseLost, .keyMissing, .authorityUnusable,
        .otherTrustDomain:
        78
    }
}

/// Loads the settings, or says what is wrong with them and exits with 64.
func loadSettings(_ arguments: [String]) throws -> Settings {
    do {
        return try Settings.load(
            keys: CloudSettings.keys, arguments: arguments, environment: ProcessInfo.processInfo.environment)
    } catch {
        throw fail(error.description, code: 64)
    }
}

/// Says what is wrong on standard error.
func fail(_ message: String, code: Int32) -> ExitCode {
    FileHandle.standardError.write(Data("hedgerow-cloud: \(message)\n".utf8))
    return ExitCode(code)
}
