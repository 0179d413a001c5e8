import Identity
import Observability
import PKI
import RPCSupport

// What a running cloud says about itself, to service managers and to whoever asks on the same machine.

extension CloudServer {
    /// How long the cloud's own listener may take to answer the cloud.
    static let listenerTimeout: Duration = .seconds(10)

    /// One line for people.
    var statusText: String {
        guard let ports = context.ports.current else { return "Begins to serve." }
        let cores = context.hub.attached.count
        return "Serves at port \(ports.mtls), enrolment at port \(ports.enrollment); \(cores) cores attached."
    }

    /// What must answer for the cloud to count as alive: whatever stores messages, and the network's threads.
    var proofs: [ProofOfLife] {
        var proofs = [ProofOfLife("the database", check: telemetry.commitNothing)]
        if let ports = context.ports.current, up.current != nil {
            proofs.append(
                ProofOfLife("the listener for enrolment") { [self] in
                    let probe = CloudHealthCheck.probe(
                        listener: context.configuration.enrollmentListener, port: ports.enrollment,
                        root: context.authorities.root.certificate, trustDomain: context.trustDomain,
                        time: context.time)
                    do {
                        _ = try await probe.ask(within: Self.listenerTimeout)
                    } catch let error as CallerError where error.kind == .timedOut {
                        throw ProofOfLife.NoAnswer()
                    }
                })
        }
        return proofs
    }
}
