import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport
import SwiftProtobuf

/// Exchanges tokens and signing requests for certificates.
///
/// The same service stands on both listeners; the authorisation table lets Enroll pass only on the one without
/// client certificates and Renew only on the other.
struct ProvisioningService: Hedgerow_Provisioning_V1_ProvisioningService.SimpleServiceProtocol {
    let cloud: CloudContext

    init(_ cloud: CloudContext) {
        self.cloud = cloud
    }

    func enroll(
        request: Hedgerow_Provisioning_V1_EnrollRequest, context: ServerContext
    ) async throws -> Hedgerow_Provisioning_V1_EnrollResponse {
        let signing = try Self.signingRequest(request.signingRequest)
        guard request.token.utf8.count <= EnrollmentToken.maximumLength,
            let principal = try await cloud.credentials.redeemToken(
                digest: EnrollmentToken.digest(request.token), keyFingerprint: signing.publicKeyFingerprint,
                at: cloud.now, repeatable: EnrollmentToken.repeatable)
        else { throw Self.tokenNotAccepted }

        let leaf = try await cloud.issueClient(signing, for: principal)
        cloud.logger.notice(
            "enrolled", metadata: ["principal": "\(principal)", "serial": "\(leaf.serialNumber)"])
        var response = Hedgerow_Provisioning_V1_EnrollResponse()
        response.certificateChain = leaf.chainPEM
        response.rootCertificate = cloud.authorities.root.certificatePEM
        response.spiffeID = principal.spiffeID(trustDomain: cloud.trustDomain)
        response.renewTime = Google_Protobuf_Timestamp(leaf.renewTime)
        return response
    }

    func renew(
        request: Hedgerow_Provisioning_V1_RenewRequest, context: ServerContext
    ) async throws -> Hedgerow_Provisioning_V1_RenewResponse {
        let peer = try AuthorizationTable.cloud.authorize(context, for: .none)
        let signing = try Self.signingRequest(request.signingRequest)
        // The interceptor has looked already; what is asked here is the database, which cannot be behind.
        guard !cloud.revocations.contains(peer.serialNumber),
            try await cloud.credentials.mayHold(peer.principal)
        else { throw HedgerowError.revoked(peer.principal) }

        let leaf = try await cloud.issueClient(signing, for: peer.principal)
        var response = Hedgerow_Provisioning_V1_RenewResponse()
        response.certificateChain = leaf.chainPEM
        response.renewTime = Google_Protobuf_Timestamp(leaf.renewTime)
        return response
    }

    private static func signingRequest(_ der: Data) throws(HedgerowError) -> SigningRequest {
        do {
            return try SigningRequest(der: Array(der))
        } catch {
            throw HedgerowError(signing: error)
        }
    }

    /// One message for every cause: it says nothing about which tokens exist.
    private static var tokenNotAccepted: HedgerowError {
        HedgerowError(
            .permissionDenied, .tokenNotAccepted,
            "the enrolment token is not accepted: it is unknown, expired, spent or bound to another key; ask an "
                + "operator for a new one")
    }
}

extension CloudContext {
    /// Signs a client certificate and records it; only then may it be sent.
    func issueClient(_ request: SigningRequest, for principal: Principal) async throws -> IssuedLeaf {
        let time = now
        let leaf: IssuedLeaf
        do throws(PKIError) {
            leaf = try authorities.issuing.issueClient(
                request: request, principal: principal, trustDomain: trustDomain, now: time)
        } catch {
            throw HedgerowError(signing: error)
        }
        try await credentials.recordIssued(
            CertificateRecord(
                serialNumber: leaf.serialNumber, principal: principal, usage: .client,
                authority: authorities.issuingFingerprint, keyFingerprint: request.publicKeyFingerprint,
                notBefore: leaf.notBefore, notAfter: leaf.notAfter, issueTime: time, revokeTime: nil))
        return leaf
    }
}
