import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport
import SwiftProtobuf

extension RegistryService {
    func createToken(
        request: Hedgerow_Registry_V1_CreateTokenRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_CreateTokenResponse {
        let caller = try AuthorizationTable.cloud.authorize(context, for: .none).principal
        let principal = try principal(request.role, request.name)
        let timeToLive =
            request.hasTimeToLive ? request.timeToLive.asDuration : EnrollmentToken.defaultTimeToLive
        var check = RequestCheck()
        check.require(
            timeToLive >= .seconds(1) && timeToLive <= EnrollmentToken.maximumTimeToLive, "time_to_live",
            "must be from 1 second to 90 days")
        try check.finish()

        let file = try await cloud.makeTokenFile(for: principal, timeToLive: timeToLive)
        cloud.logger.notice(
            "enrolment token made", metadata: ["principal": "\(principal)", "by": "\(caller)"])
        var response = Hedgerow_Registry_V1_CreateTokenResponse()
        response.tokenFile = try file.json()
        response.expireTime = Google_Protobuf_Timestamp(file.expireTime)
        return response
    }

    func revokeCertificates(
        request: Hedgerow_Registry_V1_RevokeCertificatesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_RevokeCertificatesResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let principal = try principal(request.role, request.name)
        let serial = request.serialNumber.lowercased()
        var check = RequestCheck()
        check.require(
            serial.utf8.count <= 40 && serial.allSatisfy(\.isHexDigit), "serial_number",
            "is not a serial number: at most 40 hexadecimal digits")
        try check.finish()

        let revoked = try await cloud.credentials.revoke(
            principal, serialNumber: serial.isEmpty ? nil : serial, at: cloud.now)
        if revoked.isEmpty && !serial.isEmpty {
            // Repeating a revocation is no error; a wrong number is one.
            guard cloud.revocations.contains(serial) else {
                throw StoreError.notFound(
                    "\(principal) has no valid certificate with the serial number \(serial)")
            }
        }
        cutOff(principal, revoked: revoked)
        var response = Hedgerow_Registry_V1_RevokeCertificatesResponse()
        response.revokedCount = UInt32(clamping: revoked.count)
        return response
    }

    private func principal(
        _ role: Hedgerow_Registry_V1_IdentityRole, _ name: String
    ) throws -> Principal {
        var check = RequestCheck()
        check.require(role.role != nil, "role", "must be one of thing, core, operator and app")
        check.name(name, "name")
        try check.finish()
        return try Principal(role: role.role ?? .thing, name: name)
    }
}

extension CloudContext {
    /// Makes and stores a token, and what goes into its file.
    ///
    /// - Throws: ``StoreError/notFound(_:)`` for a thing or core that is not registered as such.
    func makeTokenFile(for principal: Principal, timeToLive: Duration) async throws -> TokenFile {
        guard let ports = ports.current else { throw HedgerowError.shuttingDown }
        let token = EnrollmentToken.generate()
        let created = now
        let expires = created.adding(timeToLive)
        try await credentials.createToken(
            TokenRecord(
                digest: EnrollmentToken.digest(token), principal: principal, createTime: created,
                expireTime: expires))
        let endpoints = addresses.endpoints(cloudPort: ports.mtls, enrollmentPort: ports.enrollment)
        return TokenFile(
            role: principal.role, name: principal.name, cloud: endpoints.cloud,
            enrollment: endpoints.enrollment,
            rootCertificate: authorities.root.certificatePEM, token: token, expireTime: expires,
            trustDomain: trustDomain)
    }
}
