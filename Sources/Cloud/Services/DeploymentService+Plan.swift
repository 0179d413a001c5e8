import Components
import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport
import SwiftProtobuf

extension DeploymentService {
    func planDeployment(
        request: Hedgerow_Deployment_V1_PlanDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_PlanDeploymentResponse {
        try AuthorizationTable.cloud.authorize(context, for: .group(request.group))
        var check = RequestCheck()
        check.name(request.group, "group")
        try check.finish()
        var response = Hedgerow_Deployment_V1_PlanDeploymentResponse()
        let revision: RevisionRecord
        let resolved: ResolvedComponents
        if request.rollback {
            let rollback = try await rollback(of: request.group, to: request.revision)
            revision = try await self.revision(rollback.revision, of: request.group)
            resolved = ResolvedComponents(
                lock: rollback.lock,
                warnings: try await cloud.deprecations(in: rollback.lock)
                    + (try await cloud.missingSecrets(in: rollback.lock, of: request.group)))
            response.lockOfDeployment = rollback.lockOf
        } else {
            revision = try await self.revision(request.revision, of: request.group)
            resolved = try await cloud.resolve(revision.definition)
        }
        let wanted = PlannedRevision(
            number: revision.number, lock: resolved.lock, instances: revision.definition.components,
            requirements: try await requirements(of: resolved.lock),
            defaults: try await cloud.recipeConfigurations(
                of: resolved.lock, instances: Set(resolved.lock.map(\.instance))))

        response.revision = revision.number
        response.warnings = resolved.warnings
        response.components = resolved.lock.map { locked in
            .with {
                $0.locked = Hedgerow_Type_V1_LockedComponent(locked)
                $0.reasons =
                    request.rollback
                    ? ["deployment \(response.lockOfDeployment) ran it"]
                    : (resolved.reasons[locked.instance] ?? []).map(\.description)
            }
        }
        response.cores = try await plans(for: revision, wanted: wanted)
        return response
    }

    private func revision(_ number: UInt64, of group: String) async throws -> RevisionRecord {
        guard let stored = try await cloud.registry.group(named: group) else {
            throw StoreError.notFound("no group named \"\(group)\" exists")
        }
        if number == 0 { return stored.newest }
        guard let revision = try await cloud.registry.revision(RevisionID(group: group, number: number))
        else {
            throw StoreError.notFound(
                "group \"\(group)\" has no revision \(number); its newest is \(stored.newest.number)")
        }
        return revision
    }

    /// What decides about a core's plan.
    private struct Likeness: Hashable {
        let running: Int64?
        let platform: Platform?
    }

    private func plans(
        for revision: RevisionRecord, wanted: PlannedRevision
    ) async throws -> [Hedgerow_Deployment_V1_CorePlan] {
        let names = revision.definition.cores.sorted()
        let platforms = try await cloud.deployments.platforms(of: names)
        var places: [Likeness: Int] = [:]
        var plans: [Hedgerow_Deployment_V1_CorePlan] = []
        for name in names {
            // What it runs of another group it gives up when it is deployed to.
            let running = try await cloud.deployments.running(on: name)
            let likeness = Likeness(running: running?.sequence, platform: platforms[name])
            if let place = places[likeness] {
                plans[place].cores.append(name)
                continue
            }
            var before: PlannedRevision?
            if let running {
                before = PlannedRevision(
                    number: running.revision.number, lock: running.lock,
                    instances: running.revision.definition.components,
                    requirements: try await requirements(of: running.lock),
                    defaults: try await cloud.recipeConfigurations(
                        of: running.lock, instances: Set(running.lock.map(\.instance))))
            }
            let plan = DeploymentPlan(from: before, to: wanted, platform: platforms[name])
            places[likeness] = plans.count
            plans.append(
                Hedgerow_Deployment_V1_CorePlan(plan, cores: [name], platform: platforms[name]))
        }
        return plans
    }

    /// What the recipes of a lock say of dependencies, platforms and files, by instance.
    private func requirements(of lock: [LockedComponent]) async throws -> [String: ComponentCandidate] {
        let candidates = try await cloud.components.candidates(of: Set(lock.map(\.component)))
        var requirements: [String: ComponentCandidate] = [:]
        for locked in lock {
            requirements[locked.instance] = candidates[locked.component]?.first {
                $0.version == locked.version
            }
        }
        return requirements
    }
}

extension Hedgerow_Deployment_V1_CorePlan {
    init(_ plan: DeploymentPlan, cores: [String], platform: Platform?) {
        self.init()
        self.cores = cores
        self.platform = platform?.values ?? [:]
        runningRevision = plan.rollbackRevision ?? 0
        downloads = plan.downloads.map(Hedgerow_Type_V1_ArtifactReference.init)
        downloadBytes = plan.downloadBytes
        steps = plan.steps.map { step in
            var message = Hedgerow_Deployment_V1_PlannedStep()
            message.instance = step.instance
            message.component = step.component
            message.action = .init(step.action)
            message.fromVersion = step.from?.description ?? ""
            message.toVersion = step.to?.description ?? ""
            message.added = step.isAdded
            message.causes = step.causes
            return message
        }
    }
}

extension Hedgerow_Deployment_V1_PlannedAction {
    init(_ action: DeploymentPlan.Action) {
        switch action {
        case .start: self = .start
        case .restart: self = .restart
        case .configure: self = .configure
        case .unchanged: self = .unchanged
        case .stop: self = .stop
        }
    }
}
