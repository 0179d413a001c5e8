import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport

/// The secrets of a group, for its cores.
extension DeploymentService {
    func getSecrets(
        request: Hedgerow_Deployment_V1_GetSecretsRequest,
        response: RPCWriter<Hedgerow_Deployment_V1_GetSecretsResponse>, context: ServerContext
    ) async throws {
        let core = try context.peer().principal
        try AuthorizationTable.cloud.authorize(context, for: .core(core.name))
        if !request.deploymentID.isEmpty {
            var check = RequestCheck()
            check.name(request.deploymentID, "deployment_id")
            try check.finish()
        }
        let (group, lock) = try await secretsLock(request.deploymentID, core: core.name)
        guard try await isMember(core.name, of: group) else {
            throw HedgerowError(
                .permissionDenied, .notYourResource,
                "\(core) is not in group \"\(group)\" any more, so that the group's secrets are not for it")
        }
        let names = try await cloud.secretNames(in: lock)
        let values = try await cloud.readingSecrets { try await cloud.secrets.values(of: names, in: group) }
        try await untilCancelled(context) {
            // One by one: all together they may be larger than a message can be.
            for name in names.sorted() {
                var message = Hedgerow_Deployment_V1_GetSecretsResponse()
                message.name = name
                if let secret = values[name] {
                    message.version = secret.version
                    message.value = Data(secret.value)
                }
                try await response.write(message)
            }
        }
    }

    /// The group and the lock that say which secrets a core may have: of a deployment that was made for it, or, where that
    /// is not kept any more, of what it finished last.
    private func secretsLock(
        _ id: String, core: String
    ) async throws -> (group: String, lock: [LockedComponent]) {
        if !id.isEmpty, let record = try await cloud.deployments.deployment(id: id) {
            guard record.cores.contains(where: { $0.core == core }) else {
                throw HedgerowError(
                    .permissionDenied, .notYourResource, "deployment \"\(id)\" is not for core \"\(core)\"")
            }
            return (record.group, record.lock)
        }
        guard let running = try await cloud.deployments.running(on: core) else {
            throw StoreError.notFound(
                "no deployment \"\(id)\" exists, and core \"\(core)\" has finished none")
        }
        return (running.revision.group, running.lock)
    }

    /// Whether a core is in a group: the newest revision names it, or the newest deployment was made for it (which may be
    /// one that goes back).
    private func isMember(_ core: String, of group: String) async throws -> Bool {
        if cloud.directory.isCore(core, in: group) { return true }
        if let other = cloud.directory.group(ofThing: core), other != group { return false }
        let newest = try await cloud.deployments.deployments(of: group, before: .max, limit: 1).first
        return newest?.cores.contains { $0.core == core } ?? false
    }
}
