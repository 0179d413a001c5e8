import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// Enrolment and renewal of ``FakeCloud``. A token is `secret/ROLE/NAME`.
struct FakeProvisioningService: Hedgerow_Provisioning_V1_ProvisioningService.SimpleServiceProtocol {
    let cloud: FakeCloud

    func enroll(
        request: Hedgerow_Provisioning_V1_EnrollRequest, context: ServerContext
    ) async throws -> Hedgerow_Provisioning_V1_EnrollResponse {
        let signing = try SigningRequest(der: Array(request.signingRequest))
        let parts = request.token.split(separator: "/")
        let isBound = cloud.state.withLock { state in
            state.enrollCalls += 1
            let key = state.boundKeys[request.token] ?? signing.publicKeyFingerprint
            state.boundKeys[request.token] = key
            return key == signing.publicKeyFingerprint
        }
        guard isBound, parts.count == 3, parts[0] == "secret", let role = Role(rawValue: String(parts[1]))
        else {
            throw HedgerowError(
                .permissionDenied, .tokenNotAccepted, "the token is unknown or bound to another key")
        }
        let principal = try Principal(role: role, name: String(parts[2]))
        let (isLost, validity) = cloud.state.withLock { state in
            defer { state.enrollRepliesToLose = max(0, state.enrollRepliesToLose - 1) }
            return (state.enrollRepliesToLose > 0, state.clientValidity)
        }
        if isLost { throw RPCError(code: .unavailable, message: "the line went dead") }
        let leaf = try cloud.issuing.issueClient(
            request: signing, principal: principal, trustDomain: FakeCloud.trustDomain, now: Date(),
            validity: validity)
        var response = Hedgerow_Provisioning_V1_EnrollResponse()
        response.certificateChain = leaf.chainPEM
        response.rootCertificate = cloud.root.certificatePEM
        response.spiffeID = principal.spiffeID(trustDomain: FakeCloud.trustDomain)
        response.renewTime = .init(date: leaf.renewTime)
        return response
    }

    func renew(
        request: Hedgerow_Provisioning_V1_RenewRequest, context: ServerContext
    ) async throws -> Hedgerow_Provisioning_V1_RenewResponse {
        let principal = try context.peer().principal
        cloud.state.withLock { $0.renewCalls += 1 }
        let leaf = try cloud.issuing.issueClient(
            request: Array(request.signingRequest), principal: principal, trustDomain: FakeCloud.trustDomain,
            now: Date())
        var response = Hedgerow_Provisioning_V1_RenewResponse()
        response.certificateChain = leaf.chainPEM
        response.renewTime = .init(date: leaf.renewTime)
        return response
    }
}
