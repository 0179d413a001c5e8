import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

extension FakeDeployments {
    /// A plan with one of everything, for the group `press-hall` only.
    func planDeployment(
        request: Hedgerow_Deployment_V1_PlanDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_PlanDeploymentResponse {
        guard request.group == "press-hall" else {
            throw HedgerowError(.notFound, .notFound, "no group named \"\(request.group)\" exists")
        }
        return .with {
            $0.revision = request.revision == 0 ? (request.rollback ? 3 : 4) : request.revision
            if request.rollback { $0.lockOfDeployment = "d-3" }
            $0.components = [
                .with {
                    $0.locked.instance = "smooth"
                    $0.locked.component = "smooth"
                    $0.locked.version = "1.1.0"
                    $0.reasons = ["the group wants smooth ^1.0"]
                },
                .with {
                    $0.locked.instance = "base"
                    $0.locked.component = "base"
                    $0.locked.version = "2.0.0"
                    $0.locked.added = true
                    $0.reasons = [
                        "component:smooth 1.1.0 wants base ^2, because the group wants smooth ^1.0",
                        "component:other 1.0.0 wants base *, because the group wants other *",
                    ]
                },
            ]
            $0.cores = [
                .with {
                    $0.cores = ["pi-1", "pi-2"]
                    $0.runningRevision = 3
                    $0.steps = [
                        step("base", .start, "", "2.0.0", "a dependency brings it"),
                        step("smooth", .restart, "1.0.0", "1.1.0", "its version changes from 1.0.0 to 1.1.0"),
                        step("still", .unchanged, "1.0.0", "1.0.0", ""),
                        step("gone", .stop, "0.9.0", "", "the group no longer has it"),
                    ]
                    $0.downloads = [
                        .with {
                            $0.name = "model.bin"
                            $0.size = 3_145_728
                        }
                    ]
                    $0.downloadBytes = 3_145_728
                },
                .with {
                    $0.cores = ["pi-3"]
                    $0.steps = [step("smooth", .start, "", "1.1.0", "the group has it now")]
                },
            ]
            $0.warnings = ["dead letters go nowhere"]
        }
    }

    private func step(
        _ instance: String, _ action: Hedgerow_Deployment_V1_PlannedAction, _ from: String, _ to: String,
        _ cause: String
    ) -> Hedgerow_Deployment_V1_PlannedStep {
        .with {
            $0.instance = instance
            $0.component = instance
            $0.action = action
            $0.fromVersion = from
            $0.toVersion = to
            $0.causes = cause.isEmpty ? [] : [cause]
        }
    }
}
