import Components
import Crypto
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport

extension RegistryService {
    func createThing(
        request: Hedgerow_Registry_V1_CreateThingRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_CreateThingResponse {
        try AuthorizationTable.cloud.authorize(context, for: .thing(request.name))
        var check = RequestCheck()
        check.requestID(request.requestID)
        check.name(request.name, "name")
        let kind = Self.kind(request.kind)
        check.require(kind != nil, "kind", "is \(request.kind.rawValue), which this version does not know")
        let asked = ThingDefinition(
            name: request.name, isCore: kind == .core, type: request.type, attributes: request.attributes)
        // The name is checked above, in the words of all requests.
        for problem in ThingRules.problems(with: asked) where problem.path != "name" {
            check.require(false, problem.path, problem.message)
        }
        try check.finish()

        let record = ThingRecord(
            name: request.name, kind: kind ?? .thing, attributes: request.attributes, createTime: cloud.now,
            lastSeenTime: nil, group: nil, type: request.type)
        let parts = [record.name, record.kind.rawValue, try JSONText.encode(record.attributes)]
        let key = RequestKey(
            id: request.requestID, parts: record.type.isEmpty ? parts : parts + [record.type])
        let stored = try await cloud.registry.createThing(record, request: key)
        cloud.directory.add(stored.name, kind: stored.kind)

        var response = Hedgerow_Registry_V1_CreateThingResponse()
        response.thing = wire(stored)
        return response
    }

    func getThing(
        request: Hedgerow_Registry_V1_GetThingRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_GetThingResponse {
        try AuthorizationTable.cloud.authorize(context, for: .thing(request.name))
        var check = RequestCheck()
        check.name(request.name, "name")
        try check.finish()

        guard let record = try await cloud.registry.thing(named: request.name) else {
            throw StoreError.notFound("no thing or core named \"\(request.name)\" is registered")
        }
        let principal = try Principal(role: record.kind.role, name: record.name)
        let certificates = try await cloud.credentials.certificates(of: principal, limit: 100)
        var response = Hedgerow_Registry_V1_GetThingResponse()
        response.thing = wire(record)
        response.certificates = certificates.map(Hedgerow_Registry_V1_IssuedCertificate.init)
        return response
    }

    func listThings(
        request: Hedgerow_Registry_V1_ListThingsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListThingsResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let size = try Paging.size(request.pageSize)
        let kind = request.kind == .unspecified ? nil : Self.kind(request.kind)
        guard kind != nil || request.kind == .unspecified else {
            throw HedgerowError(violations: [
                .init(
                    field: "kind",
                    description: "is \(request.kind.rawValue), which this version does not know")
            ])
        }
        let selector = try Self.selector(request.selector)
        let list = "things/\(kind?.rawValue ?? "")" + (selector.map { "/\(Self.digest($0))" } ?? "")
        let last = try Paging.last(in: request.pageToken, list: list)

        let records =
            if let selector {
                try await cloud.registry.things(
                    of: kind, after: last ?? "", limit: size + 1, matching: selector)
            } else {
                try await cloud.registry.things(of: kind, after: last ?? "", limit: size + 1)
            }
        let page = Paging.page(records.map(wire), size: size)
        var response = Hedgerow_Registry_V1_ListThingsResponse()
        response.things = page.entries
        if page.more, let last = page.entries.last {
            response.nextPageToken = Paging.token(list: list, after: last.name)
        }
        return response
    }

    func deleteThing(
        request: Hedgerow_Registry_V1_DeleteThingRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeleteThingResponse {
        try AuthorizationTable.cloud.authorize(context, for: .thing(request.name))
        var check = RequestCheck()
        check.name(request.name, "name")
        try check.finish()

        let (record, revoked) = try await cloud.registry.deleteThing(named: request.name, at: cloud.now)
        cloud.directory.remove(record.name)
        cloud.componentStatuses.remove(record.name)
        cloud.streamStatuses.remove(record.name)
        cutOff(try Principal(role: record.kind.role, name: record.name), revoked: revoked)
        return Hedgerow_Registry_V1_DeleteThingResponse()
    }

    func wire(_ stored: ThingRecord) -> Hedgerow_Registry_V1_Thing {
        var record = stored
        if let time = cloud.presence.lastLeft(record.name) { record.lastSeenTime = time }
        return Hedgerow_Registry_V1_Thing(record, connected: cloud.presence.isConnected(record.name))
    }

    /// Tells selectors apart in page tokens, which have to be short.
    private static func digest(_ selector: ThingSelector) -> String {
        SHA256.hash(data: Data(selector.canonical.description.utf8)).prefix(16)
            .map { String($0, radix: 16) }.joined(separator: ".")
    }

    /// Nil where this version does not know the kind.
    private static func kind(_ kind: Hedgerow_Registry_V1_ThingKind) -> ThingKind? {
        switch kind {
        case .unspecified, .thing: .thing
        case .core: .core
        case .UNRECOGNIZED: nil
        }
    }
}

extension RequestKey {
    /// The key of a request; nil where the client chose no id.
    init?(id: String, parts: [String]) {
        if id.isEmpty { return nil }
        var hash = SHA256()
        for part in parts {
            // With lengths, so that no two different lists of parts look the same.
            hash.update(data: Data("\(part.utf8.count):\(part)".utf8))
        }
        self.init(id: id, digest: Array(hash.finalize()))
    }
}
