import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Logging
import PKI
import RPCSupport
import Synchronization

/// Brings the secrets that recipes ask for from the cloud to this core's disk, and hands them to programs.
///
/// They come with a deployment, before anything is changed for it, and again in each attachment and when the cloud says
/// that they changed: then for what runs, and for what is on its way. What is on the disk is what programs get, so that
/// they start without a cloud. Values are in no log and in no error.
final class SecretKeeper: Sendable {
    typealias Client = Hedgerow_Deployment_V1_DeploymentService.Client<HTTP2ClientTransport.Posix>

    /// What one deployment asks for.
    struct Wanted: Hashable, Sendable {
        let deploymentID: String
        let group: String
        let needs: [SecretNeed]

        var names: Set<String> { Set(needs.map(\.name)) }
    }

    private let files: SecretFiles
    private let logger: Logger
    /// From the question to the disk it is one after another: an older answer never replaces a newer one.
    private let turns = ArtifactTurns()
    private let underWay = Mutex<Wanted?>(nil)

    init(path: String, logger: Logger) {
        files = SecretFiles(path: path)
        self.logger = logger
    }

    /// The value of a secret; nil where there is none.
    func value(of name: String, in group: String) async throws -> [UInt8]? {
        try await BlockingIO.run { [files] in try files.value(of: name, in: group) }
    }

    // MARK: From the cloud

    /// Brings everything that a deployment asks for.
    ///
    /// - Returns: what its group has not; where that is anything, nothing was written.
    func fetch(_ wanted: Wanted, from client: Client, within timeout: Duration) async throws -> [SecretNeed] {
        try await turns.run {
            let values = try await ask(wanted.deploymentID, client, timeout)
            let missing = wanted.needs.filter { (values[$0.name] ?? nil) == nil }
            guard missing.isEmpty else { return missing }
            underWay.withLock { $0 = wanted }
            try await write(values, wanted)
            return []
        }
    }

    /// Brings what may have changed of what runs and of what is on its way.
    func refresh(_ running: Wanted?, from client: Client, within timeout: Duration) async throws {
        let all = [running, underWay.withLock { $0 }].compactMap { $0 }.filter { !$0.needs.isEmpty }
        for (index, wanted) in all.enumerated() where !all[..<index].contains(wanted) {
            try await turns.run {
                try await write(try await ask(wanted.deploymentID, client, timeout), wanted)
            }
        }
    }

    /// What the cloud has for a deployment: nil for what its group has not set.
    private func ask(
        _ deploymentID: String, _ client: Client, _ timeout: Duration
    ) async throws -> [String: [UInt8]?] {
        var request = Hedgerow_Deployment_V1_GetSecretsRequest()
        request.deploymentID = deploymentID
        var options = CallOptions.defaults
        options.timeout = timeout
        return try await client.getSecrets(request, options: options) { response in
            var values: [String: [UInt8]?] = [:]
            for try await secret in response.messages {
                values[secret.name] = .some(secret.version == 0 ? nil : Array(secret.value))
            }
            return values
        }
    }

    /// Brings what a deployment asks for to the disk. What the cloud did not speak of stays as it is.
    private func write(_ values: [String: [UInt8]?], _ wanted: Wanted) async throws {
        let names = wanted.names.sorted()
        let (changed, removed) = try await BlockingIO.run { [files] in
            var changed: [String] = []
            var removed: [String] = []
            for name in names {
                guard let value = values[name] else { continue }
                if let value {
                    if try files.set(value, as: name, in: wanted.group) { changed.append(name) }
                } else if try files.remove(name, of: wanted.group) {
                    removed.append(name)
                }
            }
            return (changed, removed)
        }
        if !changed.isEmpty {
            logger.info(
                "secrets came",
                metadata: [
                    "group.name": "\(wanted.group)", "secret.names": "\(changed.joined(separator: " "))",
                ])
        }
        if !removed.isEmpty {
            logger.warning(
                "secrets that programs read were removed in the cloud",
                metadata: [
                    "group.name": "\(wanted.group)", "secret.names": "\(removed.joined(separator: " "))",
                ])
        }
    }

    // MARK: Forgetting

    /// Nothing is on its way any more.
    func forgetUnderWay() { underWay.withLock { $0 = nil } }

    /// Removes the files that nothing asks for any more.
    ///
    /// - Parameter kept: names by group; what was fetched since they were found is kept too.
    func retain(_ kept: [String: Set<String>]) async {
        do {
            try await turns.run {
                var kept = kept
                if let wanted = underWay.withLock({ $0 }) {
                    kept[wanted.group, default: []].formUnion(wanted.names)
                }
                try await BlockingIO.run { [files, kept] in try files.removeAll(except: kept) }
            }
        } catch {
            guard !Task.isCancelled else { return }
            logger.warning(
                "secrets that nothing reads could not be removed", metadata: ["error.message": "\(error)"])
        }
    }
}
