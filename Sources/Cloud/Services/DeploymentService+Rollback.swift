import Components
import GRPCCore
import HedgerowAPI
import RPCSupport

/// Going back to a revision by the lock of its last successful deployment.
extension DeploymentService {
    /// What a rollback deploys.
    struct Rollback: Sendable {
        let revision: UInt64
        let lock: [LockedComponent]
        /// The deployment whose lock it is.
        let lockOf: String
    }

    /// Finds what to go back to. Nothing is resolved: what ran is what runs again.
    ///
    /// - Parameter revision: 0 for the newest that was deployed successfully before the one that was deployed last.
    func rollback(of group: String, to revision: UInt64) async throws -> Rollback {
        guard let record = try await cloud.registry.group(named: group) else {
            throw StoreError.notFound("no group named \"\(group)\" exists")
        }
        var wanted = revision
        if wanted == 0 {
            let (deployed, previous) = try await cloud.history.previousRevision(of: group)
            guard let previous else {
                throw HedgerowError(
                    .failedPrecondition, .notDeployed,
                    deployed.map {
                        "no revision of group \"\(group)\" but \($0), which was deployed last, was ever deployed "
                            + "successfully; there is nothing to go back to"
                    } ?? "group \"\(group)\" was never deployed; there is nothing to go back to")
            }
            wanted = previous
        }
        guard try await cloud.registry.revision(RevisionID(group: group, number: wanted)) != nil else {
            throw StoreError.notFound(
                "group \"\(group)\" has no revision \(wanted); its newest is \(record.newest.number)")
        }
        let id = RevisionID(group: group, number: wanted)
        guard let success = try await cloud.history.lastSuccess(of: id) else {
            throw HedgerowError(
                .failedPrecondition, .notDeployed,
                "revision \(wanted) of group \"\(group)\" was never deployed successfully, so that it has no lock to go "
                    + "back to; see hedgerow groups history \(group), or deploy it with versions resolved anew "
                    + "(hedgerow deploy \(group) --revision \(wanted))")
        }
        let missing = try await cloud.history.missing(in: success.lock)
        guard missing.isEmpty else {
            let names = missing.prefix(10).map { "\($0.component) \($0.version)" }.joined(separator: ", ")
            throw HedgerowError(
                .failedPrecondition, .unresolvedComponent,
                "revision \(wanted) of group \"\(group)\" ran \(names), which \(missing.count == 1 ? "is" : "are") not "
                    + "registered any more as it was; go back to another revision, or deploy this one with versions "
                    + "resolved anew (hedgerow deploy \(group) --revision \(wanted))")
        }
        let files = try await cloud.artifacts.index.missing(success.lock.flatMap(\.artifacts))
        guard files.isEmpty else {
            let names = files.prefix(10).map { "\"\($0.name)\" (SHA-256 \(ArtifactDigest.text($0.digest)))" }
            throw HedgerowError(
                .failedPrecondition, .missingArtifact,
                "revision \(wanted) of group \"\(group)\" ran with files that the cloud has not any more: "
                    + "\(names.joined(separator: ", ")); push them again, or go back to another revision")
        }
        return Rollback(revision: wanted, lock: success.lock, lockOf: success.id)
    }
}
