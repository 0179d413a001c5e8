public import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
public import PKI
import SwiftProtobuf

/// Whether a cloud can be reached and is the one that is meant.
public struct CloudChecks: Sendable {
    /// How long one address may take to answer.
    public static let timeout: Duration = .seconds(5)

    private let identity: StoredIdentity
    private let now: @Sendable () -> Date
    private let system: @Sendable () -> Date

    /// Makes the checks of an identity's cloud.
    ///
    /// - Parameters:
    ///   - now: the time that the cloud's certificate is checked at.
    ///   - system: the clock that is compared with the cloud's.
    public init(
        identity: StoredIdentity, now: @escaping @Sendable () -> Date,
        system: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.identity = identity
        self.now = now
        self.system = system
    }

    /// Connects to every address of the cloud: TCP, TLS with the chain to the pinned root and the SPIFFE ID, one call
    /// as the identity; then compares clocks.
    public func run() async -> [DoctorFinding] {
        guard !identity.cloud.isEmpty else {
            return [
                .failure(
                    "cloud.connection", "the identity names no address of the cloud",
                    advice: "enrol again with a new token")
            ]
        }
        var findings: [DoctorFinding] = []
        var answering: NetworkEndpoint?
        for endpoint in identity.cloud.prefix(8) {
            let finding = await connection(endpoint, others: answering != nil)
            findings.append(finding)
            if finding.verdict == .good, answering == nil { answering = endpoint }
        }
        // One address that answers is enough to work: the others are worth a warning.
        if answering != nil {
            findings = findings.map { finding in
                finding.verdict == .failure
                    ? DoctorFinding(finding.check, .warning, finding.message, advice: finding.advice)
                    : finding
            }
        }
        guard let answering else {
            return findings + [.skipped("clock.cloud", "the cloud cannot be asked for its time")]
        }
        return findings + [await clock(answering)]
    }

    private var verifier: PeerVerifier {
        get throws(PKIError) {
            PeerVerifier(
                roots: try Certificates.parse(pem: identity.rootPEM), trustDomain: identity.trustDomain,
                usage: .server, expectedSPIFFEID: CloudIdentity.spiffeID(trustDomain: identity.trustDomain),
                now: now)
        }
    }

    private var client: ClientIdentity {
        ClientIdentity(chainPEM: identity.chainPEM, keyPEM: identity.keyPEM)
    }

    private func connection(_ endpoint: NetworkEndpoint, others: Bool) async -> DoctorFinding {
        let check = "cloud.connection"
        let probe: HealthProbe
        do {
            probe = HealthProbe(
                endpoint: endpoint, serverName: identity.cloudServerName, identity: client,
                verifier: try verifier)
        } catch {
            return CertificateChecks.unreadable(check, "the pinned root", error)
        }
        do {
            let serves = try await probe.ask(within: Self.timeout)
            if serves {
                return .good(
                    check, "the cloud at \(endpoint) was trusted, accepted \(identity.principal) and serves")
            }
            return .warning(
                check, "the cloud at \(endpoint) answers, but says that it does not serve",
                advice: "it may be starting or stopping; see its log")
        } catch {
            return Self.finding(check, error)
        }
    }

    /// What a failed call means.
    static func finding(_ check: String, _ error: CallerError) -> DoctorFinding {
        .failure(check, error.message, advice: error.hint ?? advice(for: error.kind))
    }

    private static func advice(for kind: CallerError.Kind) -> String {
        switch kind {
        case .serverNotTrusted(let refusal):
            switch refusal {
            case .expired, .notYetValid: "compare the clocks of both machines"
            default: "something else listens at this address, or the cloud was made anew: enrol again then"
            }
        case .answered(.revoked), .answered(.noIdentity): "enrol again with a new token"
        case .identityNotAccepted: "enrol again with a new token"
        default: "see the cloud's log"
        }
    }

    // MARK: Clock

    /// The epoch of the session that asks for the time; always the same one, and nothing is ever sent in it.
    private static let epoch = Data("hedgerow--doctor".utf8)

    /// Opens a session of publishing, whose first answer has the server's time, and ends it.
    private func clock(_ endpoint: NetworkEndpoint) async -> DoctorFinding {
        let check = "clock.cloud"
        guard identity.principal.role != .app else {
            return .skipped(check, "an app may not ask the cloud for its time")
        }
        let refusals = PeerRefusals(side: "doctor", logger: nil)
        do {
            let transport = try ClientTransports.make(
                endpoint: endpoint, serverName: identity.cloudServerName, identity: client,
                verifier: try verifier,
                refusals: refusals)
            return try await withGRPCClient(transport: transport) { client in
                try await ask(.init(wrapping: client))
            }
        } catch {
            let problem = CallerError(error, endpoint: endpoint, refusal: refusals.last)
            return .warning(
                check, "the cloud did not say its time: \(problem.message)",
                advice: problem.hint ?? "see the cloud's log")
        }
    }

    private func ask(
        _ service: Hedgerow_Telemetry_V1_TelemetryService.Client<HTTP2ClientTransport.Posix>
    ) async throws -> DoctorFinding {
        var request = Hedgerow_Telemetry_V1_PublishRequest()
        request.session.stream = "doctor"
        request.session.epoch = Self.epoch
        request.session.oldestSequence = 1
        request.session.level = .synced
        let opening = request
        var options = CallOptions.defaults
        options.timeout = Self.timeout
        let start = ContinuousClock.now
        // The request stays open until the answer is there.
        let (answered, answer) = AsyncStream.makeStream(of: Never.self)
        return try await service.publish(options: options) { writer in
            try await writer.write(opening)
            for await _ in answered {}
        } onResponse: { response in
            defer { answer.finish() }
            for try await message in response.messages {
                guard message.hasServerTime else { break }
                let duration = (ContinuousClock.now - start) / .seconds(1)
                let server = Double(message.serverTime.seconds) + Double(message.serverTime.nanos) / 1e9
                let ahead = system().timeIntervalSince1970 - duration / 2 - server
                return ClockChecks.difference(ahead: ahead, uncertainty: duration / 2)
            }
            return .skipped("clock.cloud", "the cloud did not say its time")
        }
    }
}
