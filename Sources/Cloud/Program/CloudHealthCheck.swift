import FoundationEssentials
import Identity
import PKI
import RPCSupport
import X509

/// Asks the cloud that runs with a state directory of this machine whether it serves.
///
/// For health checks of containers: it needs nothing but `ports.json` and `root.pem` of the state directory, and no
/// identity. The question goes to the listener for enrolment, which asks for none; its answer is the cloud's as a
/// whole, and it is given only while the other listener serves too.
public struct CloudHealthCheck: Sendable {
    /// Why the cloud does not serve.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, where, and what to do.
        public let description: String
    }

    private let configuration: CloudConfiguration

    /// Names the cloud; nothing is read yet.
    public init(configuration: CloudConfiguration) {
        self.configuration = configuration
    }

    /// Asks.
    ///
    /// - Parameter timeout: how long the answer may take.
    /// - Returns: where the cloud was asked: `127.0.0.1:8444`.
    /// - Throws: ``Failure``.
    public func run(within timeout: Duration) async throws(Failure) -> String {
        let (probe, endpoint) = try await prepare()
        let isServing: Bool
        do {
            isServing = try await probe.ask(within: timeout)
        } catch {
            throw Failure(description: "the cloud does not serve: \(error)")
        }
        guard isServing else {
            throw Failure(
                description: "the cloud at \(endpoint) answers that it does not serve; "
                    + "it is starting or stopping")
        }
        return endpoint.description
    }

    private func prepare() async throws(Failure) -> (HealthProbe, NetworkEndpoint) {
        let path = configuration.stateDirectory
        do {
            return try await BlockingIO.run { [configuration] in
                guard let bytes = try DurableFile.read(path + "/ports.json"),
                    let ports = try? JSONDecoder().decode([String: Int].self, from: Data(bytes)),
                    let port = ports["enrollment"], let root = try DurableFile.read(path + "/root.pem"),
                    let certificate = try Certificates.parse(pem: String(decoding: root, as: UTF8.self)).first
                else {
                    throw Failure(
                        description: "the cloud does not serve yet: \(path) has no ports.json and root.pem; "
                            + "it writes them once it serves; name its state directory with --state")
                }
                let probe = Self.probe(
                    listener: configuration.enrollmentListener, port: port, root: certificate,
                    trustDomain: configuration.trustDomain, time: .system)
                return (
                    probe,
                    HealthProbe.loopback(host: configuration.enrollmentListener.address, port: port)
                )
            }
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure(
                description: "the state directory \(path) cannot be read (\(error)); "
                    + "run this as the cloud's user")
        }
    }

    /// A probe of a cloud's own listener for enrolment.
    static func probe(
        listener: CloudConfiguration.Listener, port: Int, root: Certificate, trustDomain: String,
        time: TimeSource
    ) -> HealthProbe {
        HealthProbe(
            endpoint: HealthProbe.loopback(host: listener.address, port: port),
            serverName: CloudIdentity.serverName, identity: nil,
            verifier: PeerVerifier(
                roots: [root], trustDomain: trustDomain, usage: .server,
                expectedSPIFFEID: CloudIdentity.spiffeID(trustDomain: trustDomain), now: time.now))
    }
}
