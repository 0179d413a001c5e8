import Components
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import RPCSupport

/// Pausing, resuming and canceling deployments.
extension DeploymentService {
    /// Most bytes of an operator's reason.
    private static let maximumReason = 256

    func pauseDeployment(
        request: Hedgerow_Deployment_V1_PauseDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_PauseDeploymentResponse {
        var response = Hedgerow_Deployment_V1_PauseDeploymentResponse()
        response.deployment = try await decide(
            .pause(reason: request.reason), request.id, reason: request.reason, context)
        return response
    }

    func resumeDeployment(
        request: Hedgerow_Deployment_V1_ResumeDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_ResumeDeploymentResponse {
        var response = Hedgerow_Deployment_V1_ResumeDeploymentResponse()
        response.deployment = try await decide(.resume, request.id, reason: "", context)
        return response
    }

    func cancelDeployment(
        request: Hedgerow_Deployment_V1_CancelDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_CancelDeploymentResponse {
        var response = Hedgerow_Deployment_V1_CancelDeploymentResponse()
        response.deployment = try await decide(
            .cancel(reason: request.reason), request.id, reason: request.reason, context)
        return response
    }

    private func decide(
        _ decision: RolloutDecision, _ id: String, reason: String, _ context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_Deployment {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        var check = RequestCheck()
        check.name(id, "id")
        check.require(
            reason.utf8.count <= Self.maximumReason, "reason",
            "has \(reason.utf8.count) bytes; at most \(Self.maximumReason) are allowed")
        try check.finish()
        let caller = try context.peer().principal
        let record = try await cloud.deployments.decide(decision, deployment: id, at: cloud.now)
        cloud.logger.notice(
            "a rollout was changed",
            metadata: [
                "deployment": "\(id)", "state": "\(record.state)",
                "by": "\(caller)", "reason": "\(reason)",
            ])
        // Those under way are told to stop; those that wait without waves are told to begin.
        if record.state == .canceled || (record.state == .running && !record.rollout.isInWaves) {
            cloud.hub.post(.assignment, to: record.cores.filter { !$0.stage.isFinished }.map(\.core))
        }
        cloud.deploymentChanges.fire()
        return wire(record)
    }
}
