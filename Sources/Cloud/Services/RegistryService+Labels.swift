import Components
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import RPCSupport
import SwiftProtobuf

/// Aliases and deprecation of component versions.
extension RegistryService {
    func setComponentAlias(
        request: Hedgerow_Registry_V1_SetComponentAliasRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_SetComponentAliasResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let author = try context.peer().principal.name
        try Self.checkAlias(request.alias)
        let version = try Self.exactVersion(request.component, request.version)
        let (alias, from) = try await cloud.labels.setAlias(
            AliasRecord(
                component: request.component, alias: request.alias, version: version, updateTime: cloud.now,
                author: author))
        if from != alias.version.description {
            cloud.logger.notice(
                "component alias moved",
                metadata: [
                    "component": "\(alias.component)", "alias": "\(alias.alias)",
                    "version": "\(alias.version)",
                ])
        }
        var response = Hedgerow_Registry_V1_SetComponentAliasResponse()
        response.alias = Hedgerow_Registry_V1_ComponentAlias(alias)
        response.fromVersion = from ?? ""
        return response
    }

    func deleteComponentAlias(
        request: Hedgerow_Registry_V1_DeleteComponentAliasRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeleteComponentAliasResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let author = try context.peer().principal.name
        try Self.checkAlias(request.alias)
        _ = try Self.reference(request.component, "", "component")
        try await cloud.labels.deleteAlias(
            request.alias, of: request.component, by: author, at: cloud.now)
        return Hedgerow_Registry_V1_DeleteComponentAliasResponse()
    }

    func listComponentAliases(
        request: Hedgerow_Registry_V1_ListComponentAliasesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListComponentAliasesResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let size = try Paging.size(request.pageSize)
        let list = "aliases/\(request.component)"
        let last = try Paging.last(in: request.pageToken, list: list)?.split(separator: " ").map(String.init)
        let records = try await cloud.labels.aliases(
            of: request.component.isEmpty ? nil : request.component,
            after: (last?.first ?? "", last?.last ?? ""), limit: size + 1)
        let page = Paging.page(records.map(Hedgerow_Registry_V1_ComponentAlias.init), size: size)
        var response = Hedgerow_Registry_V1_ListComponentAliasesResponse()
        response.aliases = page.entries
        if page.more, let last = page.entries.last {
            // Neither has spaces, by the rule for names.
            response.nextPageToken = Paging.token(list: list, after: "\(last.component) \(last.alias)")
        }
        return response
    }

    func listComponentAliasMoves(
        request: Hedgerow_Registry_V1_ListComponentAliasMovesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListComponentAliasMovesResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        _ = try Self.reference(request.component, "", "component")
        let size = try Paging.size(request.pageSize)
        let list = "alias-moves/\(request.component)/\(request.alias)"
        let last = try Paging.last(in: request.pageToken, list: list)
        let records = try await cloud.labels.moves(
            of: request.component, alias: request.alias.isEmpty ? nil : request.alias,
            before: last.flatMap(Int64.init) ?? .max, limit: size + 1)
        let page = Paging.page(records.map(Hedgerow_Registry_V1_ComponentAliasMove.init), size: size)
        var response = Hedgerow_Registry_V1_ListComponentAliasMovesResponse()
        response.moves = page.entries
        if page.more, !page.entries.isEmpty {
            response.nextPageToken = Paging.token(
                list: list, after: "\(records[page.entries.count - 1].sequence)")
        }
        return response
    }

    func deprecateComponent(
        request: Hedgerow_Registry_V1_DeprecateComponentRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeprecateComponentResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let author = try context.peer().principal.name
        let version = try Self.exactVersion(request.component, request.version)
        var check = RequestCheck()
        check.require(
            request.undo || !request.reason.isEmpty, "reason", "is empty; say why, and what to use instead")
        check.require(
            request.reason.utf8.count <= ThingRules.mostDescriptionBytes, "reason",
            "has \(request.reason.utf8.count) bytes; at most \(ThingRules.mostDescriptionBytes) are allowed")
        try check.finish()
        try await cloud.labels.deprecate(
            ComponentID(component: request.component, version: version),
            reason: request.undo ? nil : request.reason, by: author, at: cloud.now)
        return Hedgerow_Registry_V1_DeprecateComponentResponse()
    }

    private static func checkAlias(_ alias: String) throws(HedgerowError) {
        var check = RequestCheck()
        check.name(alias, "alias")
        try check.finish()
    }

    private static func exactVersion(
        _ component: String, _ version: String
    ) throws(HedgerowError) -> SemanticVersion {
        guard let version = try reference(component, version, "component").version else {
            throw HedgerowError(violations: [
                .init(field: "version", description: "is empty; name the exact version")
            ])
        }
        return version
    }
}

extension Hedgerow_Registry_V1_ComponentAlias {
    init(_ record: AliasRecord) {
        self.init()
        component = record.component
        alias = record.alias
        version = record.version.description
        updateTime = Google_Protobuf_Timestamp(record.updateTime)
        author = record.author
    }
}

extension Hedgerow_Registry_V1_ComponentAliasMove {
    init(_ record: AliasMoveRecord) {
        self.init()
        component = record.component
        alias = record.alias
        fromVersion = record.from ?? ""
        toVersion = record.to ?? ""
        moveTime = Google_Protobuf_Timestamp(record.time)
        author = record.author
    }
}
