import ArgumentParser
import BME680
import FoundationEssentials
import PKI
import RPCSupport

/// `hedgerow doctor`: what keeps this user, or a thing on this machine, from working.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find out what keeps you, or a thing on this machine, from working, and what to do.",
        discussion: """
            It checks the clock, the identity of the context and its files, the certificate and its times, every \
            address of the cloud (TCP, TLS up to the pinned root, one call as you), the difference between this clock \
            and the cloud's, and I2C buses. With --state it checks a thing's identity in place of a context. On the \
            machines of core and cloud see hedgerow-core doctor and hedgerow-cloud doctor.

            Each check is a line: OK, WARN (it works, but not for ever), FAIL or SKIP. Exit code 0 where nothing \
            failed, 1 otherwise.

            Example:
              hedgerow doctor
              hedgerow doctor --context factory --output json
              hedgerow doctor --state ~/.local/state/hedgerow/things/bme680-1
            """)

    @Option(
        help: ArgumentHelp("State directory of a thing, in place of a context.", valueName: "dir"),
        completion: .directory)
    var state: String?

    @Option(
        help: ArgumentHelp(
            "The I2C bus that has to have a BME680 (default: whichever are there).", valueName: "path"))
    var i2cBus: String?

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let io = CommandIO.current
        let report = try await Progress.show("looking around") { try await examine(io, $0) }
        switch output.format {
        case .table: try io.writeOutput(report.text(coloured: io.isColoured))
        case .json: try io.writeOutput(report.json())
        }
        if !report.isHealthy { throw ExitCode(report.exitCode) }
    }

    private func examine(_ io: CommandIO, _ progress: Progress) async throws -> DoctorReport {
        let directory: IdentityDirectory
        if let state {
            directory = IdentityDirectory(path: state)
        } else {
            directory = try await BlockingIO.run { try home.choice(environment: io.environment).directory }
        }
        let now = io.now()
        let clockPath = directory.path + "/clock"
        var findings = try await BlockingIO.run {
            let secrets = ["identity.json", "key.pem", "pending-key.pem"].map { "\(directory.path)/\($0)" }
            var findings = [
                DirectoryChecks.directory(directory.path, option: state == nil ? "--home" : "--state"),
                DirectoryChecks.secrets(secrets, in: directory.path),
            ]
            if state != nil { findings.append(ClockChecks.floor(path: clockPath, now: now)) }
            return findings + [ClockChecks.synchronisation()]
        }
        let (identity, finding) = await identity(directory, io)
        findings.append(finding)
        if let identity {
            findings += await CertificateChecks.identity(identity, now: now)
            progress.say("waiting for the cloud at \(identity.cloud.first?.description ?? "no address")")
            findings += await CloudChecks(identity: identity, now: io.now, system: io.now).run()
        } else {
            findings.append(.skipped("cloud.connection", "there is no identity to go to the cloud with"))
        }
        findings += try await BlockingIO.run { [i2cBus] in
            if let i2cBus { return [Self.bus(i2cBus, isNeeded: true)] }
            let buses = BME680Probe.buses()
            return buses.isEmpty
                ? [.skipped("i2c", "this machine has no I2C bus")]
                : buses.prefix(8).map { Self.bus($0, isNeeded: false) }
        }
        return DoctorReport(program: "hedgerow", findings: findings)
    }

    private func identity(_ directory: IdentityDirectory, _ io: CommandIO) async -> (
        StoredIdentity?, DoctorFinding
    ) {
        let check = "identity"
        do {
            if state == nil {
                let identity = try await BlockingIO.run {
                    let choice = try home.choice(environment: io.environment)
                    return try choice.store.identity(of: choice.name)
                }
                return (identity, Self.good(identity))
            }
            if let identity = try await BlockingIO.run({ try directory.load() }) {
                return (identity, Self.good(identity))
            }
            return (
                nil,
                .failure(
                    check, "\(directory.path) holds no identity",
                    advice: "enrol the thing: hedgerow thing enroll --token FILE --state \(directory.path)")
            )
        } catch {
            return (nil, .failure(check, "\(error)", advice: "hedgerow context list shows what there is"))
        }
    }

    private static func good(_ identity: StoredIdentity) -> DoctorFinding {
        .good(
            "identity",
            "you are \(identity.principal) of \(identity.trustDomain); key and certificate belong together")
    }

    /// What is on a bus. Blocks for some milliseconds.
    private static func bus(_ path: String, isNeeded: Bool) -> DoctorFinding {
        let check = "i2c"
        switch BME680Probe.look(on: LinuxI2CBus(path: path)) {
        case .sensor(let address):
            return .good(check, "a BME680 answers at 0x\(String(address, radix: 16)) on \(path)")
        case .nothing, .other:
            let message = "\(path) can be used, but no BME680 answers at 0x76 or 0x77"
            return isNeeded
                ? .failure(check, message, advice: "check the wiring and the power of the sensor")
                : .good(check, message)
        case .unusable(let error):
            var message = error.description
            if message.hasSuffix(".") { message.removeLast() }
            return DoctorFinding(check, isNeeded ? .failure : .warning, message)
        }
    }
}
