public import FoundationEssentials
import GRDB
import PKI
public import RPCSupport
import StreamStore

/// Finds out what keeps a cloud from working, without being in a running cloud's way: it takes no lock and writes
/// nothing.
public struct CloudDoctor: Sendable {
    let configuration: CloudConfiguration
    private let now: @Sendable () -> Date

    /// Makes a doctor.
    ///
    /// - Parameters:
    ///   - configuration: what the cloud is told.
    ///   - now: the system clock.
    public init(configuration: CloudConfiguration, now: @escaping @Sendable () -> Date = { Date() }) {
        self.configuration = configuration
        self.now = now
    }

    private var path: String { configuration.stateDirectory }
    private var databasePath: String { path + "/cloud.sqlite" }

    /// Makes every check.
    public func examine() async -> DoctorReport {
        var findings: [DoctorFinding] = []
        do throws(CloudStartError) {
            try configuration.validate()
            findings.append(.good("settings", "every setting can be used"))
        } catch {
            findings.append(
                .failure("settings", error.description, advice: "correct it: hedgerow-cloud config print"))
        }
        findings += await blocking { [path, databasePath] in
            let keys = DirectoryChecks.files(in: path + "/pki", suffix: ".key")
            return [
                DirectoryChecks.directory(path, option: "--state"),
                DirectoryChecks.secrets(
                    keys + [databasePath, databasePath + "-wal", path + "/operator.token"], in: path),
            ] + DiskChecks.disk(at: path) + [ClockChecks.synchronisation()]
        }
        let running = await blocking { [path] in DirectoryChecks.lockHolder(path + "/lock") }
        findings.append(await cloud(running))
        findings += await database()
        findings += await addresses(running)
        return DoctorReport(program: "hedgerow-cloud", findings: findings)
    }

    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        do {
            return try await BlockingIO.run { body() }
        } catch {
            // Nothing in `body` throws.
            return body()
        }
    }

    // MARK: The cloud that runs

    /// Asks the cloud that runs, over its listener for enrolment: TCP, TLS up to the root, and one call.
    private func cloud(_ running: Int32?) async -> DoctorFinding {
        let check = "cloud"
        guard let running else { return .skipped(check, "it does not run") }
        do {
            let address = try await CloudHealthCheck(configuration: configuration).run(
                within: CloudChecks.timeout)
            return .good(
                check,
                "it runs as process \(running) and serves: the listener at \(address) was trusted and answered"
            )
        } catch {
            return .failure(
                check, "it runs as process \(running), and \(error.description)",
                advice: "wait until it has started, or see its log")
        }
    }

    private func addresses(_ running: Int32?) async -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        for (listener, name) in [
            (configuration.listener, "listen"), (configuration.enrollmentListener, "enrollment"),
        ] {
            findings.append(
                await AddressChecks.listening(
                    AddressChecks.Listener(host: listener.address, port: listener.port, name: name),
                    running: running))
        }
        let configuration = configuration
        do {
            let advertised = try await BlockingIO.run { try AdvertisedAddresses(configuration) }
            findings.append(await AddressChecks.advertised(advertised.hosts))
        } catch {
            findings.append(.failure("address.advertised", "\(error)", advice: "correct --advertise"))
        }
        return findings
    }

    // MARK: Database and authorities

    private func database() async -> [DoctorFinding] {
        let (path, databasePath, configuration, now) = (path, databasePath, configuration, now())
        do {
            return try await BlockingIO.run {
                guard DirectoryChecks.exists(databasePath) else {
                    return [.skipped("database", "there is no database \(databasePath) yet")]
                }
                let (inspection, found) = try DatabaseInspection.inspect(path: databasePath) { db in
                    (try AuthorityChecks.Records(db), try SecretChecks.count(db))
                }
                let secrets = SecretChecks(keys: found.1, keyPath: path + "/pki/" + SecretKey.fileName)
                let authorities = AuthorityChecks(
                    records: found.0, keys: path + "/pki", trustDomain: configuration.trustDomain, now: now)
                return [DatabaseChecks.database(inspection, path: databasePath)] + authorities.findings()
                    + [secrets.finding()]
            }
        } catch {
            return [DatabaseChecks.failed(error)]
        }
    }
}
