import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport

/// A cloud that remembers what it was told and checks nothing, behind the real TLS of a real one.
final class FakeCloud: Sendable {
    struct State: Sendable {
        var things: [String: Hedgerow_Registry_V1_Thing] = [:]
        var definitions: [String] = []
        var records: [Hedgerow_Type_V1_Record] = []
        var sessions: [Hedgerow_Telemetry_V1_Session] = []
        var outcome = Hedgerow_Deployment_V1_DeploymentStatus.succeeded
        var supersededAttempts = 0
        var credit: UInt64 = 0
        var components: [FakeComponent] = []
        /// What the newest definition was resolved to.
        var lock: [Hedgerow_Type_V1_LockedComponent] = []
        var reads: [Hedgerow_Stream_V1_ReadStreamRequest] = []
        var labels = FakeLabels()
        /// Values by `GROUP/NAME`.
        var secrets: [String: Data] = [:]
        var shadows = FakeShadowState()
        /// How the last deployment was to come to its cores.
        var rollout = Hedgerow_Deployment_V1_RolloutPolicy()
    }

    let pki: TestPKI
    let state = Mutex(State())

    init() throws {
        pki = try TestPKI()
    }

    /// Runs the cloud while `body` runs, which gets the ports of the mTLS and of the enrolment listener.
    func run<Result: Sendable>(_ body: @Sendable (_ cloud: Int, _ enrollment: Int) async throws -> Result)
        async throws
        -> Result
    {
        let identity = try ReloadableCertificate(pki.cloudServer())
        let refusals = PeerRefusals(side: "test", logger: nil)
        let mutual = try ServerTransports.mutualTLS(
            host: "127.0.0.1", port: 0, identity: identity, verifier: pki.clientVerifier(), refusals: refusals
        )
        let plain = try ServerTransports.serverTLS(host: "127.0.0.1", port: 0, identity: identity)
        let health = HealthRegistry()
        health.set(.serving)
        let services: [any RegistrableRPCService] = [
            FakeRegistry(cloud: self), FakeDeployments(cloud: self), FakeTelemetry(cloud: self),
            FakeStreams(cloud: self), FakeShadows(cloud: self),
            HealthService(registry: health),
        ]
        return try await withGRPCServer(transport: mutual, services: services) { server in
            try await withGRPCServer(transport: plain, services: [FakeProvisioning(cloud: self)]) {
                enrollment in
                let cloud = try await server.listeningAddress?.ipv4?.port
                let enrolling = try await enrollment.listeningAddress?.ipv4?.port
                return try await body(cloud ?? 0, enrolling ?? 0)
            }
        }
    }
}

struct FakeProvisioning: Hedgerow_Provisioning_V1_ProvisioningService.SimpleServiceProtocol {
    let cloud: FakeCloud

    func enroll(
        request: Hedgerow_Provisioning_V1_EnrollRequest, context: ServerContext
    ) async throws -> Hedgerow_Provisioning_V1_EnrollResponse {
        guard request.token == "good" else {
            throw HedgerowError(.permissionDenied, .tokenNotAccepted, "the token was used already")
        }
        let leaf = try cloud.pki.issuing.issueClient(
            request: Array(request.signingRequest), principal: Principal(role: .operator, name: "ann"),
            trustDomain: TestPKI.trustDomain, now: Date(), validity: .seconds(86_400))
        return .with {
            $0.certificateChain = leaf.chainPEM
            $0.renewTime = Google_Protobuf_Timestamp(date: Date().addingTimeInterval(3_600))
        }
    }

    func renew(
        request: Hedgerow_Provisioning_V1_RenewRequest, context: ServerContext
    ) async throws -> Hedgerow_Provisioning_V1_RenewResponse {
        throw HedgerowError(.internalError, .internal, "not here")
    }
}

struct FakeDeployments: Hedgerow_Deployment_V1_DeploymentService.SimpleServiceProtocol {
    func getRecipe(
        request: Hedgerow_Deployment_V1_GetRecipeRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_GetRecipeResponse {
        throw RPCError(code: .unimplemented, message: "this fake has no recipes")
    }

    func getSecrets(
        request: Hedgerow_Deployment_V1_GetSecretsRequest,
        response: RPCWriter<Hedgerow_Deployment_V1_GetSecretsResponse>, context: ServerContext
    ) async throws {
        throw RPCError(code: .unimplemented, message: "this fake has no cores")
    }

    let cloud: FakeCloud

    private func deployment(
        _ status: Hedgerow_Deployment_V1_DeploymentStatus
    ) -> Hedgerow_Deployment_V1_Deployment {
        .with { deployment in
            deployment.id = "d-1"
            deployment.group = "press-hall"
            deployment.revision = 3
            deployment.lock = cloud.state.withLock { $0.lock }
            deployment.cores = [
                .with {
                    $0.core = "pi-1"
                    $0.status = status
                    $0.reason = status == .failed ? "the disk is full" : ""
                    $0.connected = true
                }
            ]
        }
    }

    func createDeployment(
        request: Hedgerow_Deployment_V1_CreateDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_CreateDeploymentResponse {
        cloud.state.withLock { $0.rollout = request.rollout }
        return .with { $0.deployment = deployment(.pending) }
    }

    func getDeployment(
        request: Hedgerow_Deployment_V1_GetDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_GetDeploymentResponse {
        throw HedgerowError(.notFound, .notFound, "there is no deployment \(request.id)")
    }

    func pauseDeployment(
        request: Hedgerow_Deployment_V1_PauseDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_PauseDeploymentResponse {
        .with {
            $0.deployment = deployment(.pending)
            $0.deployment.id = request.id
            $0.deployment.state = .paused
            $0.deployment.stateReason = request.reason
        }
    }

    func resumeDeployment(
        request: Hedgerow_Deployment_V1_ResumeDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_ResumeDeploymentResponse {
        .with {
            $0.deployment = deployment(.pending)
            $0.deployment.id = request.id
            $0.deployment.state = .running
        }
    }

    func cancelDeployment(
        request: Hedgerow_Deployment_V1_CancelDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_CancelDeploymentResponse {
        .with {
            $0.deployment = deployment(.pending)
            $0.deployment.id = request.id
            $0.deployment.state = .canceled
            $0.deployment.stateReason = request.reason
        }
    }

    func listDeployments(
        request: Hedgerow_Deployment_V1_ListDeploymentsRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_ListDeploymentsResponse {
        .with { $0.deployments = [deployment(.canceled)] }
    }

    func watchDeployment(
        request: Hedgerow_Deployment_V1_WatchDeploymentRequest,
        response: RPCWriter<Hedgerow_Deployment_V1_WatchDeploymentResponse>, context: ServerContext
    ) async throws {
        let outcome = cloud.state.withLock { $0.outcome }
        for status in [.pending, .inProgress, outcome] {
            try await response.write(.with { $0.deployment = deployment(status) })
        }
        // An outcome that never comes: until the client has had enough.
        if outcome == .inProgress { try await context.cancellation.cancelled }
    }

    func attach(
        request: RPCAsyncSequence<Hedgerow_Deployment_V1_AttachRequest, any Error>,
        response: RPCWriter<Hedgerow_Deployment_V1_AttachResponse>, context: ServerContext
    ) async throws {}
}

struct FakeTelemetry: Hedgerow_Telemetry_V1_TelemetryService.SimpleServiceProtocol {
    let cloud: FakeCloud

    func publish(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_PublishRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_PublishResponse>, context: ServerContext
    ) async throws {
        for try await message in request {
            let superseded = cloud.state.withLock { state in
                if message.hasSession { state.sessions.append(message.session) }
                if state.supersededAttempts == 0 { return false }
                state.supersededAttempts -= 1
                return true
            }
            if superseded { throw HedgerowError(.aborted, .sessionSuperseded, "a newer session took over") }
            try await response.write(
                .with {
                    $0.resumeAfterSequence = 0
                    $0.serverTime = Google_Protobuf_Timestamp(date: Date())
                })
            for publication in message.publications {
                if publication.message.topic == "nowhere" {
                    try await response.write(
                        .with {
                            $0.acknowledgedSequence = 1
                            $0.rejected = [
                                .with {
                                    $0.firstSequence = 1
                                    $0.lastSequence = 1
                                    $0.reason = .noRoute
                                    $0.detail = "no deployed subscription takes the topic nowhere"
                                }
                            ]
                        })
                    continue
                }
                cloud.state.withLock { state in
                    state.records.append(
                        .with {
                            $0.message = publication.message
                            $0.origin.thing = "ann"
                        })
                }
                try await response.write(.with { $0.acknowledgedSequence = publication.sequence })
            }
        }
    }

    func subscribe(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>, context: ServerContext
    ) async throws {
        let record = cloud.state.withLock { $0.records.first } ?? RenderingTests.reading()
        var credit: UInt64 = 0
        for try await message in request {
            credit += UInt64(message.addCredit)
            let total = UInt64(message.addCredit)
            cloud.state.withLock { $0.credit += total }
            // As many as there is credit, in steps of 100.
            while credit >= 100 {
                try await response.write(
                    .with { $0.deliveries = Array(repeating: .with { $0.record = record }, count: 100) })
                credit -= 100
            }
        }
    }

    func query(
        request: Hedgerow_Telemetry_V1_QueryRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_QueryResponse {
        // Three pages of two, whatever was asked for.
        let page = Int(request.pageToken) ?? 0
        return .with { reply in
            reply.records = (0..<2).map { index in
                .with {
                    $0.message.topic = "t/\(page * 2 + index)"
                    $0.message.payload.data = Data("x".utf8)
                    $0.origin.thing = request.thing
                }
            }
            reply.nextPageToken = page == 2 ? "" : String(page + 1)
        }
    }

    func getLedger(
        request: Hedgerow_Telemetry_V1_GetLedgerRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse {
        .with {
            $0.received = 5
            $0.missing = request.thing == "unlucky" ? 2 : 0
        }
    }
}
