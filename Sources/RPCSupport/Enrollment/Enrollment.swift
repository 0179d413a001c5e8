public import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
public import Logging
public import Messaging
public import PKI
import SwiftProtobuf

/// Exchanging a token file for an identity.
///
/// The key is made here and is on disk before the cloud is asked, and the token binds to it: a lost reply or a
/// crash at any instant costs nothing, the same call is simply made again (semantics, section 7). Only the root
/// certificate in the token file is trusted, so nobody else can answer.
public enum Enrollment {
    /// How long one address may take to answer. Default: 15 s.
    public static let timeout: Duration = .seconds(15)

    /// Enrols once: asks each of the token file's addresses in turn, and stores the identity.
    ///
    /// Where the directory already holds the identity that the token is for, that one is returned and nobody is
    /// asked.
    ///
    /// - Parameters:
    ///   - tokenFile: what the operator handed over.
    ///   - directory: where the identity is to live.
    ///   - now: the time to check the cloud's certificate at.
    ///   - logger: told what happens.
    /// - Returns: the identity, stored.
    /// - Throws: ``EnrollmentError``, or `IdentityFileError` where the directory cannot be used.
    public static func enroll(
        tokenFile: TokenFile, directory: IdentityDirectory, now: @escaping @Sendable () -> Date = { Date() },
        logger: Logger
    ) async throws -> StoredIdentity {
        let principal = try tokenFile.principal
        if let existing = try await BlockingIO.run({ try directory.load() }) {
            guard existing.principal == principal, existing.trustDomain == tokenFile.trustDomain else {
                throw EnrollmentError(
                    .otherIdentity,
                    "\(directory.path) already holds the identity \(existing.principal) of \(existing.trustDomain), "
                        + "the token file is for \(principal) of \(tokenFile.trustDomain); use another directory"
                )
            }
            return existing
        }
        let key = try await BlockingIO.run { try directory.pendingKey() }
        var failures: [EnrollmentError] = []
        for endpoint in tokenFile.enrollment {
            do {
                let answer = try await ask(endpoint, tokenFile: tokenFile, key: key, now: now)
                let identity = try identity(
                    from: answer, tokenFile: tokenFile, principal: principal, key: key)
                try await BlockingIO.run { try directory.save(identity) }
                logger.info(
                    "enrolled",
                    metadata: [
                        "identity.principal": "\(principal)", "cloud.address": "\(endpoint)",
                        "certificate.renew_time": "\(identity.renewTime.formatted(.iso8601))",
                    ])
                return identity
            } catch let error as EnrollmentError
                where error.kind == .unreachable || error.kind == .notThisCloud
            {
                logger.debug(
                    "enrolment address does not answer",
                    metadata: ["cloud.address": "\(endpoint)", "error.message": "\(error)"])
                failures.append(error)
            }
        }
        // What is wrong for good is worth more to the reader than what may pass.
        throw failures.first { $0.kind == .notThisCloud } ?? failures.first
            ?? EnrollmentError(.unreachable, "the token file names no address to enrol at; ask for a new one")
    }

    /// Enrols, and while the cloud cannot be reached tries again for ever, with growing waits.
    ///
    /// For programs that nobody watches: a box that is switched on before its line works enrols when it does.
    ///
    /// - Parameter onUnreachable: told why, each time that the cloud was not reached.
    /// - Throws: ``EnrollmentError`` of every other kind, `IdentityFileError`, and `CancellationError`.
    public static func enrollWhenReachable(
        tokenFile: TokenFile, directory: IdentityDirectory, now: @escaping @Sendable () -> Date = { Date() },
        backoff: Backoff = Backoff(), onUnreachable: @Sendable (EnrollmentError) -> Void = { _ in },
        logger: Logger
    ) async throws -> StoredIdentity {
        var backoff = backoff
        while true {
            do {
                return try await enroll(tokenFile: tokenFile, directory: directory, now: now, logger: logger)
            } catch let error as EnrollmentError where error.kind == .unreachable {
                let wait = backoff.next()
                logger.warning(
                    "cannot enrol yet", metadata: ["error.message": "\(error)", "retry.after": "\(wait)"])
                onUnreachable(error)
                try await Task.sleep(for: wait)
            }
        }
    }

    private static func ask(
        _ endpoint: NetworkEndpoint, tokenFile: TokenFile, key: PrivateKey,
        now: @escaping @Sendable () -> Date
    ) async throws -> Hedgerow_Provisioning_V1_EnrollResponse {
        let verifier = PeerVerifier(
            roots: try Certificates.parse(pem: tokenFile.rootCertificate), trustDomain: tokenFile.trustDomain,
            usage: .server, expectedSPIFFEID: CloudIdentity.spiffeID(trustDomain: tokenFile.trustDomain),
            now: now)
        let refusals = PeerRefusals(side: "enrolment", logger: nil)
        let transport = try ClientTransports.make(
            endpoint: endpoint, serverName: tokenFile.cloudServerName, identity: nil, verifier: verifier,
            refusals: refusals)
        var request = Hedgerow_Provisioning_V1_EnrollRequest()
        request.token = tokenFile.token
        request.signingRequest = Data(try key.signingRequest(commonName: tokenFile.name))
        do {
            return try await withGRPCClient(transport: transport) { [request] client in
                var options = CallOptions.defaults
                options.timeout = timeout
                let service = Hedgerow_Provisioning_V1_ProvisioningService.Client(wrapping: client)
                return try await service.enroll(request, options: options)
            }
        } catch {
            try Task.checkCancellation()
            throw EnrollmentError(
                CallerError(error, endpoint: endpoint, refusal: refusals.last), cause: error)
        }
    }

    private static func identity(
        from answer: Hedgerow_Provisioning_V1_EnrollResponse, tokenFile: TokenFile, principal: Principal,
        key: PrivateKey
    ) throws -> StoredIdentity {
        let pinned = try Certificates.parse(pem: tokenFile.rootCertificate)
        guard
            answer.rootCertificate.isEmpty || (try? Certificates.parse(pem: answer.rootCertificate)) == pinned
        else {
            throw EnrollmentError(
                .badAnswer,
                "the cloud answered with another root certificate than the token file pins; ask for a new "
                    + "token file")
        }
        let identity = StoredIdentity(
            principal: principal, trustDomain: tokenFile.trustDomain, cloud: tokenFile.cloud,
            cloudServerName: tokenFile.cloudServerName, keyPEM: key.pem, chainPEM: answer.certificateChain,
            rootPEM: tokenFile.rootCertificate,
            renewTime: try renewTime(
                answer.hasRenewTime ? answer.renewTime : nil, chainPEM: answer.certificateChain))
        do {
            try identity.validate()
        } catch {
            throw EnrollmentError(
                .badAnswer,
                "the cloud answered with a certificate that does not fit the request (\(error)); this is "
                    + "a fault of the cloud, see its log", cause: error)
        }
        return identity
    }

    /// When to renew: when the cloud says, at the latest at two thirds of the certificate's validity.
    static func renewTime(_ said: Google_Protobuf_Timestamp?, chainPEM: String) throws -> Date {
        guard let leaf = try? Certificates.parse(pem: chainPEM).first else {
            throw EnrollmentError(
                .badAnswer, "the cloud answered without a certificate that can be read; see the cloud's log")
        }
        guard let said else { return leaf.renewTime }
        return min(Date(timeIntervalSince1970: TimeInterval(said.seconds)), leaf.renewTime)
    }
}

extension EnrollmentError {
    /// Says what a failed call means to somebody who enrols or renews.
    init(_ error: CallerError, cause: any Error) {
        let kind: Kind =
            switch error.kind {
            case .answered(.tokenNotAccepted): .tokenNotAccepted
            case .answered where error.code == .unavailable || error.code == .resourceExhausted: .unreachable
            case .answered: .refused
            case .serverNotTrusted: .notThisCloud
            case .unreachable, .timedOut, .cancelled: .unreachable
            case .identityNotAccepted, .other: .refused
            }
        self.init(kind, error.description, cause: cause)
    }
}
