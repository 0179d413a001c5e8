import FoundationEssentials
import Identity
import Logging
import PKI
import RPCSupport
import ServiceLifecycle

/// The cloud's own server certificate, from the issuing CA: made at start with a key that stays in memory, and
/// replaced every day without dropping a connection.
///
/// It is replaced at once where the clock says that it is not valid: a cloud that was started while its clock was ahead
/// would otherwise be refused by everybody until the next day.
struct CloudServerIdentity: Service {
    /// How often it is replaced. It is valid for 90 days, so that many failures in a row do no harm.
    static let renewal: Duration = .days(1)
    /// How often it is compared with the clock.
    static let look: Duration = .seconds(10)
    /// How long to wait after a failure.
    static let retry: Duration = .minutes(5)

    let authorities: CloudAuthorities
    let trustDomain: String
    let hosts: [String]
    let time: TimeSource
    let logger: Logger
    /// What both listeners show.
    let certificate: ReloadableCertificate

    init(
        authorities: CloudAuthorities, trustDomain: String, hosts: [String], time: TimeSource, logger: Logger
    ) throws {
        self.authorities = authorities
        self.trustDomain = trustDomain
        self.hosts = hosts
        self.time = time
        self.logger = logger
        let first = try Self.issue(authorities, trustDomain: trustDomain, hosts: hosts, now: time.now())
        certificate = try ReloadableCertificate(chainPEM: first.chain, keyPEM: first.key)
    }

    /// Renews daily, and where the clock jumps, until shut down.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            var (wait, waited) = (Self.renewal, Duration.zero)
            while (try? await time.sleep(Self.look)) != nil {
                waited += Self.look
                guard waited >= wait || (!isValid && wait == Self.renewal) else { continue }
                waited = .zero
                do {
                    try renew()
                    wait = Self.renewal
                } catch {
                    logger.error(
                        "the cloud's server certificate could not be renewed; trying again in 5 minutes",
                        metadata: ["error": "\(error)"])
                    wait = Self.retry
                }
            }
        }
    }

    private var isValid: Bool {
        let now = time.now()
        return certificate.notBefore <= now && now <= certificate.notAfter
    }

    /// Replaces the certificate and its key now.
    func renew() throws {
        let new = try Self.issue(authorities, trustDomain: trustDomain, hosts: hosts, now: time.now())
        try certificate.replace(chainPEM: new.chain, keyPEM: new.key)
        logger.info("the cloud's server certificate was renewed")
    }

    private static func issue(
        _ authorities: CloudAuthorities, trustDomain: String, hosts: [String], now: Date
    ) throws -> (chain: String, key: String) {
        let key = PrivateKey.generate()
        let names = ServerNames(stableName: CloudIdentity.serverName, addresses: hosts)
        let leaf = try authorities.issuing.issueServer(
            request: key.signingRequest(commonName: CloudIdentity.serverName),
            spiffeID: CloudIdentity.spiffeID(trustDomain: trustDomain), dnsNames: names.dnsNames,
            ipAddresses: names.ipAddresses, now: now)
        return (leaf.chainPEM, key.pem)
    }
}
