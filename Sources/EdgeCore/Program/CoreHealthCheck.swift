import FoundationEssentials
import Identity
import PKI
import RPCSupport

/// Asks the core that runs with a state directory of this machine whether it serves things.
///
/// For health checks of containers: it needs nothing but what lies in the state directory. The question is asked as
/// the core itself, over the listener that things use, with mutual TLS.
public struct CoreHealthCheck: Sendable {
    /// Why the core does not serve.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, where, and what to do.
        public let description: String
    }

    /// What is needed of `ports.json`.
    private struct Ports: Decodable {
        let host: String
        let port: Int
    }

    private let state: StateDirectory

    /// Names the state directory; nothing is read yet.
    public init(statePath: String) {
        state = StateDirectory(path: statePath)
    }

    /// Asks.
    ///
    /// - Parameter timeout: how long the answer may take.
    /// - Returns: where the core serves: `127.0.0.1:8445`.
    /// - Throws: ``Failure``.
    public func run(within timeout: Duration) async throws(Failure) -> String {
        let (probe, endpoint) = try await prepare()
        let isServing: Bool
        do {
            isServing = try await probe.ask(within: timeout)
        } catch {
            throw Failure(description: "the core does not serve things: \(error)")
        }
        guard isServing else {
            throw Failure(
                description: "the core at \(endpoint) answers that it does not serve; it is stopping")
        }
        return endpoint.description
    }

    private func prepare() async throws(Failure) -> (HealthProbe, NetworkEndpoint) {
        do {
            return try await BlockingIO.run { [state] in
                guard let bytes = try DurableFile.read(state.portsPath),
                    let ports = try? JSONDecoder().decode(Ports.self, from: Data(bytes))
                else {
                    throw Failure(
                        description: "the core does not serve things yet: there is no \(state.portsPath); "
                            + "it writes that once it is enrolled and in a group that was deployed")
                }
                guard let identity = try state.identity.load(),
                    let chain = try ServerCertificate.chainPEM(in: state.serverCertificatePath)
                else {
                    throw Failure(
                        description: "there is no identity or no server certificate in \(state.path); "
                            + "name the core's own state directory with --state")
                }
                let probe = try Self.probe(
                    host: ports.host, port: ports.port, chainPEM: chain, identity: identity,
                    clock: ClockFloor(path: state.clockPath))
                return (probe, HealthProbe.loopback(host: ports.host, port: ports.port))
            }
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure(
                description: "the state directory \(state.path) cannot be read (\(error)); "
                    + "run this as the core's user")
        }
    }

    /// A probe of a core's own listener: as the core, to the core, trusting the authority that its certificate comes
    /// from.
    static func probe(
        host: String, port: Int, chainPEM: String, identity: StoredIdentity, clock: ClockFloor
    ) throws -> HealthProbe {
        let chain = try Certificates.parse(pem: chainPEM)
        return HealthProbe(
            endpoint: HealthProbe.loopback(host: host == "localhost" ? "127.0.0.1" : host, port: port),
            serverName: CoreServerName.name(forCore: identity.principal.name),
            identity: ClientIdentity(chainPEM: identity.chainPEM, keyPEM: identity.keyPEM),
            verifier: PeerVerifier(
                roots: Array(chain.dropFirst()), trustDomain: identity.trustDomain, usage: .server,
                expectedSPIFFEID: identity.principal.spiffeID(trustDomain: identity.trustDomain),
                now: { clock.now() }))
    }
}
