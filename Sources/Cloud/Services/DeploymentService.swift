import Components
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import RPCSupport

/// Brings revisions to cores.
struct DeploymentService: Hedgerow_Deployment_V1_DeploymentService.SimpleServiceProtocol {
    let cloud: CloudContext

    init(_ cloud: CloudContext) {
        self.cloud = cloud
    }

    func createDeployment(
        request: Hedgerow_Deployment_V1_CreateDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_CreateDeploymentResponse {
        try AuthorizationTable.cloud.authorize(context, for: .group(request.group))
        var check = RequestCheck()
        check.requestID(request.requestID)
        check.name(request.group, "group")
        try check.finish()

        let rollout = try RolloutPolicy(request.rollout)
        var parts = [request.group, "\(request.revision)"]
        if request.rollback { parts.append("rollback") }
        if request.hasRollout { parts.append(try JSONText.encode(rollout)) }
        let key = RequestKey(id: request.requestID, parts: parts)
        let record = try await create(
            request, rollout: rollout, creator: try context.peer().principal.description, key: key)
        let id = RevisionID(group: record.group, number: record.revision)
        if let revision = try await cloud.registry.revision(id) {
            cloud.directory.deploy(revision, sequence: record.sequence)
        }
        // Those in waves are told by the driver, in their turn.
        if !rollout.isInWaves { cloud.hub.post(.assignment, to: record.cores.map(\.core)) }
        cloud.deploymentChanges.fire()
        cloud.logger.notice(
            "deployment made",
            metadata: ["deployment": "\(record.id)", "group": "\(id.group)", "revision": "\(id.number)"])
        var response = Hedgerow_Deployment_V1_CreateDeploymentResponse()
        response.deployment = wire(record)
        response.warnings =
            try await cloud.deprecations(in: record.lock)
            + (try await cloud.missingSecrets(in: record.lock, of: record.group))
        return response
    }

    /// A repeat returns what the first request made, whatever was registered since.
    private func create(
        _ request: Hedgerow_Deployment_V1_CreateDeploymentRequest, rollout: RolloutPolicy, creator: String,
        key: RequestKey?
    ) async throws -> DeploymentRecord {
        if let earlier = try await cloud.deployments.deployment(madeBy: key) { return earlier }
        if request.rollback {
            let rollback = try await rollback(of: request.group, to: request.revision)
            return try await cloud.deployments.createDeployment(
                NewDeployment(
                    id: Self.newID(), group: request.group, revision: rollback.revision, lock: rollback.lock,
                    rollout: rollout, creator: creator, lockOf: rollback.lockOf),
                request: key, at: cloud.now)
        }
        var wanted = request.revision
        if wanted == 0 {
            wanted = try await cloud.registry.group(named: request.group)?.newest.number ?? 0
        }
        // The store says what is wrong where there is no such revision.
        let revision = try await cloud.registry.revision(RevisionID(group: request.group, number: wanted))
        var lock: [LockedComponent] = []
        if let revision { lock = try await cloud.resolve(revision.definition).lock }
        return try await cloud.deployments.createDeployment(
            NewDeployment(
                id: Self.newID(), group: request.group, revision: wanted, lock: lock, rollout: rollout,
                creator: creator),
            request: key, at: cloud.now)
    }

    func getDeployment(
        request: Hedgerow_Deployment_V1_GetDeploymentRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_GetDeploymentResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        var response = Hedgerow_Deployment_V1_GetDeploymentResponse()
        response.deployment = wire(try await deployment(request.id))
        return response
    }

    func listDeployments(
        request: Hedgerow_Deployment_V1_ListDeploymentsRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_ListDeploymentsResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        if !request.group.isEmpty {
            var check = RequestCheck()
            check.name(request.group, "group")
            try check.finish()
        }
        let size = try Paging.size(request.pageSize)
        let list = "deployments/\(request.group)"
        let last = try Paging.last(in: request.pageToken, list: list)
        let records = try await cloud.deployments.deployments(
            of: request.group.isEmpty ? nil : request.group, before: last.flatMap(Int64.init) ?? .max,
            limit: size + 1)
        let page = Paging.page(records.map(wire), size: size)
        var response = Hedgerow_Deployment_V1_ListDeploymentsResponse()
        response.deployments = page.entries
        if page.more, !page.entries.isEmpty {
            let last = records[page.entries.count - 1]
            response.nextPageToken = Paging.token(list: list, after: "\(last.sequence)")
        }
        return response
    }

    func watchDeployment(
        request: Hedgerow_Deployment_V1_WatchDeploymentRequest,
        response: RPCWriter<Hedgerow_Deployment_V1_WatchDeploymentResponse>, context: ServerContext
    ) async throws {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let id = request.id
        try await untilCancelled(context) {
            // Watching begins before the first look, so that nothing is missed between the two.
            var changes = cloud.deploymentChanges.watch().makeAsyncIterator()
            var told: Hedgerow_Deployment_V1_Deployment?
            repeat {
                let record = try await deployment(id)
                let now = wire(record)
                if now != told {
                    var message = Hedgerow_Deployment_V1_WatchDeploymentResponse()
                    message.deployment = now
                    try await response.write(message)
                    told = now
                }
                if record.cores.allSatisfy(\.stage.isFinished) { return }
            } while await changes.next() != nil
            throw CancellationError()
        }
    }

    func attach(
        request: RPCAsyncSequence<Hedgerow_Deployment_V1_AttachRequest, any Error>,
        response: RPCWriter<Hedgerow_Deployment_V1_AttachResponse>, context: ServerContext
    ) async throws {
        let core = try context.peer().principal
        try AuthorizationTable.cloud.authorize(context, for: .core(core.name))
        let session = AttachSession(cloud, core: core)
        try await session.run(requests: request, responses: response, context: context)
    }

    private func deployment(_ id: String) async throws -> DeploymentRecord {
        var check = RequestCheck()
        check.name(id, "id")
        try check.finish()
        guard let record = try await cloud.deployments.deployment(id: id) else {
            throw StoreError.notFound("no deployment \"\(id)\" exists")
        }
        return record
    }

    func wire(_ record: DeploymentRecord) -> Hedgerow_Deployment_V1_Deployment {
        Hedgerow_Deployment_V1_Deployment(record, isAttached: cloud.hub.isAttached)
    }

    /// An id that nobody guesses and that is short enough to type.
    private static func newID() -> String {
        let number = UInt64.random(in: 0..<(1 << 60))
        let digits = String(number, radix: 32)
        return "d-" + String(repeating: "0", count: 12 - digits.count) + digits
    }
}
