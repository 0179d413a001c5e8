import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf

/// A connection to the cloud as the user whose identity is on disk.
struct CloudSession: Sendable {
    /// The identity.
    let identity: StoredIdentity
    /// The connection.
    let client: GRPCClient<HTTP2ClientTransport.Posix>

    var registry: Hedgerow_Registry_V1_RegistryService.Client<HTTP2ClientTransport.Posix> {
        .init(wrapping: client)
    }
    var deployments: Hedgerow_Deployment_V1_DeploymentService.Client<HTTP2ClientTransport.Posix> {
        .init(wrapping: client)
    }
    var telemetry: Hedgerow_Telemetry_V1_TelemetryService.Client<HTTP2ClientTransport.Posix> {
        .init(wrapping: client)
    }
    var streams: Hedgerow_Stream_V1_StreamService.Client<HTTP2ClientTransport.Posix> {
        .init(wrapping: client)
    }
    var artifacts: Hedgerow_Artifact_V1_ArtifactService.Client<HTTP2ClientTransport.Posix> {
        .init(wrapping: client)
    }
    var shadows: Hedgerow_Shadow_V1_ShadowService.Client<HTTP2ClientTransport.Posix> {
        .init(wrapping: client)
    }
    /// The options of a call that is answered at once.
    var options: CallOptions { CloudDialer.unary }
}

extension HomeOptions {
    /// Runs calls as the user whose identity is in the home directory. A certificate that is due is renewed
    /// first.
    ///
    /// - Throws: ``CLIError``, ``OutputClosed``, `CancellationError`.
    func withCloud<Result: Sendable>(
        _ body: @Sendable (CloudSession) async throws -> Result
    ) async throws -> Result {
        let io = CommandIO.current
        let (directory, stored) = try await BlockingIO.run {
            let choice = try choice(environment: io.environment)
            return (choice.directory, try choice.store.identity(of: choice.name))
        }
        return try await Progress.showByDefault("waiting for the cloud") {
            var identity = stored
            if identity.renewTime <= io.now() { identity = await renewed(identity, in: directory, io: io) }
            let current = identity
            return try await current.dialer(now: io.now).connect(identity: current.client) { client in
                try await body(CloudSession(identity: current, client: client))
            }
        }
    }

    /// The identity with a new certificate. Where that fails, the one before, which may still be good: the next
    /// command tries again.
    private func renewed(
        _ identity: StoredIdentity, in directory: IdentityDirectory, io: CommandIO
    ) async -> StoredIdentity {
        do {
            let key = try await BlockingIO.run { try directory.pendingKey() }
            var request = Hedgerow_Provisioning_V1_RenewRequest()
            request.signingRequest = Data(try key.signingRequest(commonName: identity.principal.name))
            let reply = try await identity.dialer(now: io.now).connect(identity: identity.client) {
                [request] client in
                try await Hedgerow_Provisioning_V1_ProvisioningService.Client(wrapping: client)
                    .renew(request, options: CloudDialer.unary)
            }
            var renewed = identity
            renewed.keyPEM = key.pem
            renewed.chainPEM = reply.certificateChain
            renewed.renewTime = reply.renewTime.date
            let saved = renewed
            try await BlockingIO.run { try directory.save(saved) }
            return saved
        } catch {
            io.note("hedgerow: your certificate is due for renewal, which failed: \(error)")
            return identity
        }
    }
}

extension StoredIdentity {
    var client: ClientIdentity { ClientIdentity(chainPEM: chainPEM, keyPEM: keyPEM) }

    func dialer(now: @escaping @Sendable () -> Date) -> CloudDialer {
        CloudDialer(
            endpoints: cloud, serverName: cloudServerName, trustDomain: trustDomain, rootPEM: rootPEM,
            now: now)
    }
}
