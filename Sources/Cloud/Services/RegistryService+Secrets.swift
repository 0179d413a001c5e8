import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import RPCSupport
import SwiftProtobuf

/// Secrets of groups. What answers, logs and errors say of one is its name, never its value.
extension RegistryService {
    func setSecret(
        request: Hedgerow_Registry_V1_SetSecretRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_SetSecretResponse {
        try AuthorizationTable.cloud.authorize(context, for: .group(request.group))
        var check = RequestCheck()
        check.name(request.group, "group")
        check.name(request.name, "name")
        check.require(
            request.name != "." && request.name != "..", "name", "is no name of a file; choose another one")
        check.require(!request.value.isEmpty, "value", "is empty; a secret has at least 1 byte")
        check.require(
            request.value.count <= SecretVault.maximumBytes, "value",
            "has \(request.value.count) bytes; a secret has at most \(SecretVault.maximumBytes)")
        try check.finish()
        let author = try context.peer().principal.name
        let (secret, changed) = try await cloud.readingSecrets {
            try await cloud.secrets.set(
                Array(request.value), name: request.name, group: request.group, author: author, at: cloud.now)
        }
        var response = Hedgerow_Registry_V1_SetSecretResponse()
        response.secret = Hedgerow_Registry_V1_Secret(secret)
        response.changed = changed
        guard changed else { return response }
        response.notifiedCores = UInt32(clamping: cloud.announceSecrets(of: secret.group))
        cloud.logger.notice(
            "secret set",
            metadata: [
                "group": "\(secret.group)", "secret": "\(secret.name)", "version": "\(secret.version)",
                "notified.cores": "\(response.notifiedCores)",
            ])
        return response
    }

    func deleteSecret(
        request: Hedgerow_Registry_V1_DeleteSecretRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeleteSecretResponse {
        try AuthorizationTable.cloud.authorize(context, for: .group(request.group))
        var check = RequestCheck()
        check.name(request.group, "group")
        check.name(request.name, "name")
        try check.finish()
        try await cloud.secrets.delete(request.name, of: request.group)
        var response = Hedgerow_Registry_V1_DeleteSecretResponse()
        response.notifiedCores = UInt32(clamping: cloud.announceSecrets(of: request.group))
        cloud.logger.notice(
            "secret deleted",
            metadata: [
                "group": "\(request.group)", "secret": "\(request.name)",
                "notified.cores": "\(response.notifiedCores)",
            ])
        return response
    }

    func listSecrets(
        request: Hedgerow_Registry_V1_ListSecretsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListSecretsResponse {
        try AuthorizationTable.cloud.authorize(
            context, for: request.group.isEmpty ? .none : .group(request.group))
        var check = RequestCheck()
        if !request.group.isEmpty { check.name(request.group, "group") }
        try check.finish()
        let size = try Paging.size(request.pageSize)
        let list = "secrets/\(request.group)"
        let group = request.group.isEmpty ? nil : request.group
        if let group, try await cloud.registry.group(named: group) == nil {
            throw StoreError.notFound("no group named \"\(group)\" exists")
        }
        // No name has a slash.
        let last = (try Paging.last(in: request.pageToken, list: list) ?? "/")
            .split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard last.count == 2 else { throw Paging.foreignToken }
        let records = try await cloud.secrets.secrets(
            of: group, after: (last[0], last[1]), limit: size + 1)
        let page = Paging.page(records.map(Hedgerow_Registry_V1_Secret.init), size: size)
        var response = Hedgerow_Registry_V1_ListSecretsResponse()
        response.secrets = page.entries
        if page.more, let last = page.entries.last {
            response.nextPageToken = Paging.token(list: list, after: "\(last.group)/\(last.name)")
        }
        return response
    }
}

extension Hedgerow_Registry_V1_Secret {
    init(_ secret: SecretRecord) {
        self.init()
        group = secret.group
        name = secret.name
        version = secret.version
        sizeBytes = UInt32(clamping: secret.size)
        createTime = Google_Protobuf_Timestamp(secret.createTime)
        updateTime = Google_Protobuf_Timestamp(secret.updateTime)
        author = secret.author
    }
}
