import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// The attachment of ``FakeCloud``.
struct FakeDeploymentService: Hedgerow_Deployment_V1_DeploymentService.SimpleServiceProtocol {
    func getRecipe(
        request: Hedgerow_Deployment_V1_GetRecipeRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_GetRecipeResponse {
        let name = "\(request.component)@\(request.version)"
        let (text, error, isSilent) = cloud.state.withLock { state in
            state.recipeRequests.append(name)
            return (
                state.recipes[name], state.recipeErrors.isEmpty ? nil : state.recipeErrors.removeFirst(),
                state.isSilentAboutRecipes
            )
        }
        if let error { throw error }
        if isSilent {
            try await context.cancellation.cancelled
            // Whoever is silent does not answer at the end either.
            throw RPCError(code: .unavailable, message: "there is no answer")
        }
        guard let text else {
            throw HedgerowError(.notFound, .notFound, "there is no component \(name)")
        }
        return .with {
            $0.recipe = text
            $0.digest = FakeCloud.digest(text)
        }
    }

    func getSecrets(
        request: Hedgerow_Deployment_V1_GetSecretsRequest,
        response: RPCWriter<Hedgerow_Deployment_V1_GetSecretsResponse>, context: ServerContext
    ) async throws {
        let (secrets, error) = cloud.state.withLock { state in
            state.secretRequests.append(request.deploymentID)
            return (
                state.secrets, state.secretErrors.isEmpty ? nil : state.secretErrors.removeFirst()
            )
        }
        if let error { throw error }
        for (name, secret) in secrets.sorted(by: { $0.key < $1.key }) {
            try await response.write(
                .with {
                    $0.name = name
                    $0.version = secret == nil ? 0 : 1
                    $0.value = Data(secret ?? [])
                })
        }
    }

    typealias Responses = AsyncThrowingStream<Hedgerow_Deployment_V1_AttachResponse, any Error>

    let cloud: FakeCloud

    func attach(
        request: RPCAsyncSequence<Hedgerow_Deployment_V1_AttachRequest, any Error>,
        response: RPCWriter<Hedgerow_Deployment_V1_AttachResponse>, context: ServerContext
    ) async throws {
        let core = try context.peer().principal
        let (responses, out) = Responses.makeStream()
        let older = cloud.state.withLock { state in
            defer { state.session = out }
            state.sessions += 1
            return state.session
        }
        older?.finish(
            throwing: HedgerowError(.aborted, .sessionSuperseded, "a newer attachment of \(core) took over"))
        try await untilCancelled(context) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await message in request { try answer(message, core: core, out: out) }
                }
                group.addTask {
                    for try await message in responses { try await response.write(message) }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    private func answer(
        _ message: Hedgerow_Deployment_V1_AttachRequest, core: Principal, out: Responses.Continuation
    ) throws {
        let (state, group) = cloud.state.withLock { state in
            state.requests.append(message)
            return (
                (state.answersHello, state.welcomeGroup, state.clockOffset, state.signsCertificates),
                state.group
            )
        }
        var response = Hedgerow_Deployment_V1_AttachResponse()
        switch message.event {
        case .hello where state.0:
            response.welcome.group = state.1
            response.welcome.serverTime = .init(date: Date(timeIntervalSinceNow: state.2))
            out.yield(response)
        case .serverCertificateRequest(let request) where state.3:
            let leaf = try group.issueServer(
                request: Array(request.signingRequest),
                spiffeID: core.spiffeID(trustDomain: FakeCloud.trustDomain),
                dnsNames: [CoreServerName.name(forCore: core.name)], ipAddresses: ["127.0.0.1"], now: Date())
            response.serverCertificate.certificateChain = leaf.chainPEM
            response.serverCertificate.renewTime = .init(date: Date(timeIntervalSinceNow: 86_400))
            response.serverCertificate.serverName = CoreServerName.name(forCore: core.name)
            out.yield(response)
        default: break
        }
    }

    // MARK: What cores do not call

    func createDeployment(
        request: Hedgerow_Deployment_V1_CreateDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_CreateDeploymentResponse {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func planDeployment(
        request: Hedgerow_Deployment_V1_PlanDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_PlanDeploymentResponse {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func getDeployment(
        request: Hedgerow_Deployment_V1_GetDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_GetDeploymentResponse {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func listDeployments(
        request: Hedgerow_Deployment_V1_ListDeploymentsRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_ListDeploymentsResponse {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func pauseDeployment(
        request: Hedgerow_Deployment_V1_PauseDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_PauseDeploymentResponse {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func resumeDeployment(
        request: Hedgerow_Deployment_V1_ResumeDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_ResumeDeploymentResponse {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func cancelDeployment(
        request: Hedgerow_Deployment_V1_CancelDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_CancelDeploymentResponse {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func watchDeployment(
        request: Hedgerow_Deployment_V1_WatchDeploymentRequest,
        response: RPCWriter<Hedgerow_Deployment_V1_WatchDeploymentResponse>, context: ServerContext
    ) async throws {
        throw RPCError(code: .unimplemented, message: "not here")
    }
}
