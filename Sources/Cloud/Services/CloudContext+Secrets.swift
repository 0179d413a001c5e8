import Components
import FoundationEssentials
import Logging

/// Secrets, and who reads them.
extension CloudContext {
    /// The secrets of groups.
    var secrets: SecretVault {
        SecretVault(
            database: database,
            keyPath: KeyDirectory(path: configuration.stateDirectory + "/pki").file(SecretKey.fileName))
    }

    /// The names of secrets that the recipes of a lock ask for.
    func secretNames(in lock: [LockedComponent]) async throws -> Set<String> {
        Set(try await components.secrets(of: Self.versions(in: lock)).values.joined())
    }

    /// What is said of each instance that reads a secret which its group has not: deploying it fails on the cores.
    func missingSecrets(in lock: [LockedComponent], of group: String) async throws -> [String] {
        let wanted = try await components.secrets(of: Self.versions(in: lock))
        guard wanted.contains(where: { !$0.value.isEmpty }) else { return [] }
        let present = try await secrets.names(of: group)
        return lock.flatMap { entry in
            (wanted[ComponentID(component: entry.component, version: entry.version)] ?? [])
                .filter { !present.contains($0) }
                .map { name in
                    "component:\(entry.instance) runs \(entry.component) \(entry.version), which reads secret \"\(name)\", "
                        + "and group \"\(group)\" has none of that name; set it before you deploy: "
                        + "hedgerow secrets set \(group) \(name)"
                }
        }
    }

    private static func versions(in lock: [LockedComponent]) -> Set<ComponentID> {
        Set(lock.map { ComponentID(component: $0.component, version: $0.version) })
    }

    /// Tells the attached cores of a group that its secrets are others now; those that are away ask when they attach.
    ///
    /// - Returns: how many were told.
    func announceSecrets(of group: String) -> Int {
        let cores = hub.attached.filter {
            directory.isCore($0, in: group) || directory.activeRevision(of: $0)?.group == group
        }
        hub.post(.secrets, to: cores)
        return cores.count
    }

    /// Does something with secrets; that they cannot be decrypted is said in the log too, for whoever runs the cloud.
    func readingSecrets<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch StoreError.secretsUnreadable(let reason) {
            logger.error("secrets cannot be decrypted", metadata: ["reason": "\(reason)"])
            throw StoreError.secretsUnreadable(reason)
        }
    }
}
