import Identity
import Observability
import PKI
import RPCSupport

// What a running core says about itself, to service managers and to whoever asks on the same machine.

extension CoreServer {
    /// How long the core's own listener may take to answer the core.
    static let listenerTimeout: Duration = .seconds(10)

    /// Waits until the core works: it serves things; or it has no certificate to serve them with, and waits for the
    /// cloud and a deployment.
    ///
    /// - Throws: `CancellationError`.
    func working() async throws {
        if certificate.isAvailable { _ = try await listeningPort() }
    }

    /// One line for people.
    var statusText: String {
        let status = status.snapshot
        let link =
            if status.isAttached {
                "attached to the cloud"
            } else {
                status.lastError.map { "not attached to the cloud (\($0))" }
                    ?? "not attached to the cloud yet"
            }
        let cloud = revision.damage.map { "\(link); \($0)" } ?? link
        guard let port = port.current else {
            return certificate.isAvailable
                ? "Begins to serve things; \(cloud)."
                : "Serves no things yet: that needs a deployment of the cloud's; \(cloud)."
        }
        return "Serves things at port \(port); \(cloud)."
    }

    /// What must answer for the core to count as alive: whatever takes the messages of things, and the listener.
    var proofs: [ProofOfLife] {
        var proofs = [ProofOfLife("the database", check: commitNothing)]
        if let port = port.current {
            proofs.append(
                ProofOfLife("the listener for things") { [self] in
                    do {
                        _ = try await healthProbe(port: port).ask(within: Self.listenerTimeout)
                    } catch let error as CallerError where error.kind == .timedOut {
                        throw ProofOfLife.NoAnswer()
                    }
                })
        }
        return proofs
    }

    private func healthProbe(port: Int) throws -> HealthProbe {
        let clock = parts.clock
        return try CoreHealthCheck.probe(
            host: parts.configuration.listenHost, port: port, chainPEM: certificate.chainPEM,
            identity: parts.identity.stored, clock: clock)
    }
}
