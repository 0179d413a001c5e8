import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf

/// Gets certificates: the first one for a token, the next ones for the one before.
///
/// Keys are made here and are on disk before a request with them leaves, so that a lost answer costs
/// nothing: the same key asks again.
struct Enroller: Sendable {
    typealias Provisioning = Hedgerow_Provisioning_V1_ProvisioningService

    let directory: IdentityDirectory
    let dialer: ServerDialer
    let timeout: Duration

    /// Exchanges a token for an identity and stores it.
    ///
    /// - Throws: ``ThingError/enrollmentRefused(_:)`` where retrying does not help,
    ///   ``ThingError/stateUnusable(_:)``, and what calls throw.
    func enroll(_ token: TokenFile) async throws -> StoredIdentity {
        guard token.role == .thing else {
            throw ThingError.invalidConfiguration(
                "The token file is for the \(token.role.rawValue) \"\(token.name)\", not for a thing.")
        }
        let key = try await pendingKey()
        var request = Hedgerow_Provisioning_V1_EnrollRequest()
        request.token = token.token
        request.signingRequest = Data(try key.signingRequest(commonName: token.name))
        let reply = try await first(of: token.enrollment) { [request] endpoint in
            let target = ServerTarget.cloud(
                at: endpoint, serverName: token.cloudServerName, trustDomain: token.trustDomain,
                root: token.rootCertificate)
            return try await dialer.call(target, identity: nil) { client in
                try await Provisioning.Client(wrapping: client).enroll(request, options: options)
            }
        }
        return try await save(
            StoredIdentity(
                principal: token.principal, trustDomain: token.trustDomain, cloud: token.cloud,
                cloudServerName: token.cloudServerName, keyPEM: key.pem, chainPEM: reply.certificateChain,
                // What the token pins stays the root, whatever the answer says.
                rootPEM: token.rootCertificate, renewTime: reply.renewTime.date))
    }

    /// Exchanges an identity for a fresh one, with a new key, and stores it.
    func renew(_ identity: StoredIdentity) async throws -> StoredIdentity {
        let key = try await pendingKey()
        var request = Hedgerow_Provisioning_V1_RenewRequest()
        request.signingRequest = Data(try key.signingRequest(commonName: identity.principal.name))
        let reply = try await first(of: identity.cloud) { [request] endpoint in
            let target = ServerTarget.cloud(
                at: endpoint, serverName: identity.cloudServerName, trustDomain: identity.trustDomain,
                root: identity.rootPEM)
            return try await dialer.call(target, identity: identity) { client in
                try await Provisioning.Client(wrapping: client).renew(request, options: options)
            }
        }
        var renewed = identity
        renewed.keyPEM = key.pem
        renewed.chainPEM = reply.certificateChain
        renewed.renewTime = reply.renewTime.date
        return try await save(renewed)
    }

    private var options: CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        return options
    }

    private func pendingKey() async throws -> PrivateKey {
        do {
            return try await BlockingIO.run { [directory] in try directory.pendingKey() }
        } catch {
            throw ThingError.stateUnusable("\(error)")
        }
    }

    private func save(_ identity: StoredIdentity) async throws -> StoredIdentity {
        do {
            try await BlockingIO.run { [directory] in try directory.save(identity) }
        } catch {
            throw ThingError.stateUnusable("\(error)")
        }
        return identity
    }

    /// The first answer of several addresses; a refusal by the cloud is final, a silent address is not.
    private func first<Reply: Sendable>(
        of endpoints: [NetworkEndpoint], _ call: @Sendable (NetworkEndpoint) async throws -> Reply
    ) async throws -> Reply {
        var failure: any Error = ThingError.invalidConfiguration("No address of the cloud is known.")
        for endpoint in endpoints {
            do {
                return try await call(endpoint)
            } catch let error as CallerError {
                try Task.checkCancellation()
                switch error.kind {
                case .answered(.tokenNotAccepted), .answered(.badSigningRequest), .answered(.invalidField),
                    .answered(.revoked):
                    throw ThingError.enrollmentRefused("The cloud at \(endpoint) refused: \(error).")
                default: failure = error
                }
            }
        }
        throw failure
    }
}
