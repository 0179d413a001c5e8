import Components
import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport

/// Types and attributes of things.
extension RegistryService {
    func setThingAttributes(
        request: Hedgerow_Registry_V1_SetThingAttributesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_SetThingAttributesResponse {
        try AuthorizationTable.cloud.authorize(context, for: .thing(request.name))
        var check = RequestCheck()
        check.name(request.name, "name")
        let limit = ThingRules.mostAttributes
        check.require(
            request.attributes.count <= limit, "attributes",
            "has \(request.attributes.count) entries; at most \(limit) are allowed")
        check.require(
            request.removeAttributes.count <= limit, "remove_attributes",
            "has \(request.removeAttributes.count) entries; at most \(limit) are allowed")
        for key in request.removeAttributes.prefix(limit) where request.attributes[key] != nil {
            check.require(false, ThingRules.path(ofAttribute: key), "is to be set and to be removed; choose")
        }
        try check.finish()
        let (record, changed) = try await cloud.registry.changeThing(
            named: request.name,
            ThingChange(
                attributes: request.attributes, removed: Set(request.removeAttributes),
                type: request.hasType ? request.type : nil, replaces: request.replace))
        var response = Hedgerow_Registry_V1_SetThingAttributesResponse()
        response.thing = wire(record)
        response.changed = changed
        return response
    }

    func putThingType(
        request: Hedgerow_Registry_V1_PutThingTypeRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_PutThingTypeResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let type = ThingTypeDefinition(
            name: request.type.name, description: request.type.description_p,
            attributes: request.type.attributes)
        let problems = ThingRules.problems(with: type)
        guard problems.isEmpty else {
            throw HedgerowError(
                violations: problems.map { .init(field: "type.\($0.path)", description: $0.message) })
        }
        let (created, changed) = try await cloud.registry.putType(type)
        var response = Hedgerow_Registry_V1_PutThingTypeResponse()
        response.created = created
        response.changed = changed
        return response
    }

    func listThingTypes(
        request: Hedgerow_Registry_V1_ListThingTypesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListThingTypesResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let size = try Paging.size(request.pageSize)
        let last = try Paging.last(in: request.pageToken, list: "types")
        let types = try await cloud.registry.types(after: last ?? "", limit: size + 1)
        let page = Paging.page(
            types.map { type in
                var message = Hedgerow_Registry_V1_ThingType()
                message.name = type.name
                message.description_p = type.description
                message.attributes = type.attributes
                return message
            }, size: size)
        var response = Hedgerow_Registry_V1_ListThingTypesResponse()
        response.types = page.entries
        if page.more, let last = page.entries.last {
            response.nextPageToken = Paging.token(list: "types", after: last.name)
        }
        return response
    }

    func deleteThingType(
        request: Hedgerow_Registry_V1_DeleteThingTypeRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeleteThingTypeResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        var check = RequestCheck()
        check.name(request.name, "name")
        try check.finish()
        try await cloud.registry.deleteType(named: request.name)
        return Hedgerow_Registry_V1_DeleteThingTypeResponse()
    }

    /// Reads the selector of a list; nil where it is empty.
    static func selector(_ text: String) throws(HedgerowError) -> ThingSelector? {
        if text.isEmpty { return nil }
        do throws(InvalidSelector) {
            return try ThingSelector(parsing: text)
        } catch {
            throw HedgerowError(violations: [.init(field: "selector", description: error.description)])
        }
    }
}
