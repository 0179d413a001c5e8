public import FoundationEssentials
import GRDB
import Identity
import PKI
public import RPCSupport
import StreamStore
import X509

/// Finds out what keeps a core from working, without being in a running core's way: it takes no lock and writes
/// nothing.
public struct CoreDoctor: Sendable {
    let configuration: CoreConfiguration
    let state: StateDirectory
    private let now: @Sendable () -> Date

    /// Makes a doctor.
    ///
    /// - Parameters:
    ///   - configuration: what the core is told.
    ///   - now: the system clock.
    public init(configuration: CoreConfiguration, now: @escaping @Sendable () -> Date = { Date() }) {
        self.configuration = configuration
        state = StateDirectory(path: configuration.statePath)
        self.now = now
    }

    /// Makes every check.
    public func examine() async -> DoctorReport {
        var findings = await blocking { state, now in
            [DirectoryChecks.directory(state.path, option: "--state"), Self.secrets(of: state)]
                + DiskChecks.disk(at: state.path)
                + [ClockChecks.floor(path: state.clockPath, now: now), ClockChecks.synchronisation()]
        }
        let running = await blocking { state, _ in DirectoryChecks.lockHolder(state.path + "/lock") }
        findings.append(await core(running))
        let time = await blocking { state, now in ClockFloor(path: state.clockPath, system: { now }).now() }
        let (identity, found) = await self.identity()
        findings += found
        let (database, needsTemperature) = await self.database(isEnrolled: identity != nil)
        findings.append(database)
        if let identity { findings += await CertificateChecks.identity(identity, now: time) }
        findings += await addresses(identity, running: running, time: time)
        if let identity {
            let floor = ClockFloor(path: nil, system: now)
            floor.observe(time)
            findings += await CloudChecks(identity: identity, now: { floor.now() }, system: now).run()
        } else {
            findings.append(.skipped("cloud.connection", "there is no identity to go to the cloud with"))
        }
        findings += await temperature(needsTemperature)
        findings += await blocking { _, _ in BusChecks.buses() }
        return DoctorReport(program: "hedgerow-core", findings: findings)
    }

    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable (StateDirectory, Date) -> Value
    ) async -> Value {
        let (state, now) = (state, now())
        do {
            return try await BlockingIO.run { body(state, now) }
        } catch {
            // Nothing in `body` throws.
            return body(state, now)
        }
    }

    /// Asks the core that runs whether it serves things.
    private func core(_ running: Int32?) async -> DoctorFinding {
        let check = "core"
        guard let running else { return .skipped(check, "it does not run") }
        do {
            let address = try await CoreHealthCheck(statePath: state.path).run(within: CloudChecks.timeout)
            return .good(check, "it runs as process \(running) and serves things at \(address)")
        } catch {
            return .warning(
                check, "it runs as process \(running), and \(error.description)",
                advice: "before the first deployment that is so; see its log otherwise")
        }
    }

    private static func secrets(of state: StateDirectory) -> DoctorFinding {
        let identity = ["identity.json", "key.pem", "pending-key.pem"].map { "\(state.identityPath)/\($0)" }
        let secrets = SecretFiles(path: state.path + "/secrets").all
        return DirectoryChecks.secrets(identity + [state.serverCertificatePath] + secrets, in: state.path)
    }

    // MARK: Identity and database

    private func identity() async -> (StoredIdentity?, [DoctorFinding]) {
        let check = "identity"
        do {
            let (state, token) = (state, configuration.tokenPath)
            guard let identity = try await BlockingIO.run({ try state.identity.load() }) else {
                guard let token else {
                    return (
                        nil,
                        [
                            .failure(
                                check, "\(state.path) holds no identity, and no token is set",
                                advice:
                                    "make a token with hedgerow things create NAME --core, and start the core with --token FILE"
                            )
                        ]
                    )
                }
                let file = try await BlockingIO.run { try TokenFile.read(from: token) }
                return (nil, [Self.token(file, path: token, now: now())])
            }
            guard identity.principal.role == .core else {
                return (
                    nil,
                    [
                        .failure(
                            check,
                            "\(state.identityPath) is the identity of \(identity.principal), which is no core",
                            advice: "give the core a directory of its own with --state")
                    ]
                )
            }
            return (
                identity,
                [
                    .good(
                        check,
                        "it is \(identity.principal) of \(identity.trustDomain); key and certificate belong together"
                    )
                ]
            )
        } catch {
            return (
                nil,
                [
                    .failure(
                        check, "\(error)",
                        advice:
                            "the directory may be another user's, or damaged: nothing is made anew by itself")
                ]
            )
        }
    }

    private static func token(_ file: TokenFile, path: String, now: Date) -> DoctorFinding {
        let check = "identity"
        if file.role != .core {
            return .failure(
                check, "the token file \(path) is for \(file.role.rawValue) \(file.name), which is no core",
                advice: "make one with hedgerow things create NAME --core")
        }
        if file.expireTime < now {
            return .failure(
                check, "the token file \(path) expired at \(file.expireTime.formatted(.iso8601))",
                advice: "make another with hedgerow things token \(file.name)")
        }
        return .warning(
            check, "it is not enrolled yet; the token file \(path) is for core \(file.name)",
            advice: "start the core: it enrols by itself")
    }

    /// Looks at the database, and finds out which components need the CPU's temperature.
    private func database(isEnrolled: Bool) async -> (DoctorFinding, needsTemperature: [String]) {
        let state = state
        do {
            return try await BlockingIO.run {
                guard state.hasDatabase else {
                    let missing = "there is no database \(state.databasePath)"
                    return (
                        isEnrolled
                            ? .failure(
                                "database", missing + ", although the core is enrolled",
                                advice:
                                    "restore the state directory from a backup, or move it away and enrol anew"
                            )
                            : .skipped("database", missing + " yet"), []
                    )
                }
                let (inspection, components) = try DatabaseInspection.inspect(path: state.databasePath) {
                    db in
                    try CoreDoctor.componentsWithTemperature(db)
                }
                return (DatabaseChecks.database(inspection, path: state.databasePath), components)
            }
        } catch {
            return (DatabaseChecks.failed(error), [])
        }
    }

    // MARK: Temperature

    private func temperature(_ components: [String]) async -> [DoctorFinding] {
        let check = "cpuTemperature"
        let path = configuration.cpuTemperaturePath
        guard !components.isEmpty else {
            return [.skipped(check, "no deployed component asks for the CPU's temperature")]
        }
        return await blocking { _, _ in
            do throws(TemperatureFile.Problem) {
                let celsius = try TemperatureFile.celsius(at: path)
                return [.good(check, "\(path) says \(celsius) °C, for \(components.joined(separator: ", "))")]
            } catch {
                return [
                    .failure(
                        check,
                        "\(path) has no temperature (\(error)), and \(components.joined(separator: ", ")) needs it",
                        advice: "name the right file with --cpu-temperature-path (see /sys/class/thermal)")
                ]
            }
        }
    }
}
