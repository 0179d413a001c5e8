import Components
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import Manifests
import RPCSupport
import SwiftProtobuf

extension RegistryService {
    /// What errors in a definition call its file.
    private static let fileName = "definition"

    func applyGroup(
        request: Hedgerow_Registry_V1_ApplyGroupRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ApplyGroupResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let manifest = try Self.parse(request.definition)
        let resolved = try await cloud.resolve(manifest.definition, in: manifest)
        let author = try context.peer().principal.name
        let applied: AppliedRevision
        do {
            applied = try await apply(manifest.definition, by: author, dryRun: request.dryRun)
        } catch StoreError.invalidMembers(let problems) {
            throw HedgerowError(problems, in: manifest)
        }
        if applied.changed && !request.dryRun {
            cloud.directory.adopt(applied.revision)
            // A core that is new here may be waiting for a certificate.
            cloud.hub.post(.authority, to: applied.revision.definition.cores)
            cloud.logger.notice(
                "group applied",
                metadata: ["group": "\(applied.revision.group)", "revision": "\(applied.revision.number)"])
        }
        var response = Hedgerow_Registry_V1_ApplyGroupResponse()
        response.revision = Hedgerow_Type_V1_GroupRevision(applied.revision)
            .written(by: applied.revision.definition)
        response.changed = applied.changed
        response.created = applied.created
        response.lock = resolved.lock.map(Hedgerow_Type_V1_LockedComponent.init)
        response.warnings = resolved.warnings + applied.warnings
        return response
    }

    private func apply(
        _ definition: GroupDefinition, by author: String, dryRun: Bool
    ) async throws -> AppliedRevision {
        // A new group gets its CA in the same transaction; the key has to be on disk before.
        var authority: AuthorityRecord?
        if !dryRun, try await cloud.registry.group(named: definition.name) == nil {
            authority = try await cloud.groupAuthorities.prepare(for: definition.name)
        }
        do {
            let applied = try await cloud.registry.apply(
                definition, at: cloud.now, author: author, authority: authority, dryRun: dryRun)
            if let authority, !applied.created {
                try await cloud.groupAuthorities.discard(authority.fingerprint)
            }
            return applied
        } catch {
            if let authority { try? await cloud.groupAuthorities.discard(authority.fingerprint) }
            throw error
        }
    }

    private static func parse(_ text: String) throws(HedgerowError) -> GroupManifest {
        do {
            return try GroupManifest.parseOne(text, fileName: fileName)
        } catch {
            throw HedgerowError(.invalidDefinition, error, what: "definition")
        }
    }

    func getGroup(
        request: Hedgerow_Registry_V1_GetGroupRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_GetGroupResponse {
        try AuthorizationTable.cloud.authorize(context, for: .group(request.name))
        var check = RequestCheck()
        check.name(request.name, "name")
        try check.finish()
        guard let record = try await cloud.registry.group(named: request.name) else {
            throw StoreError.notFound("no group named \"\(request.name)\" exists")
        }
        var response = Hedgerow_Registry_V1_GetGroupResponse()
        response.group = try await wire(record)
        cloud.componentStatuses.add(to: &response.group.cores)
        return response
    }

    func listGroups(
        request: Hedgerow_Registry_V1_ListGroupsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListGroupsResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let size = try Paging.size(request.pageSize)
        let last = try Paging.last(in: request.pageToken, list: "groups")
        let records = try await cloud.registry.groups(after: last ?? "", limit: size + 1)
        var groups: [Hedgerow_Registry_V1_Group] = []
        for record in records { groups.append(try await wire(record)) }
        let page = Paging.page(groups, size: size)
        var response = Hedgerow_Registry_V1_ListGroupsResponse()
        response.groups = page.entries
        if page.more, let last = page.entries.last {
            response.nextPageToken = Paging.token(list: "groups", after: last.name)
        }
        return response
    }

    func rotateGroupAuthority(
        request: Hedgerow_Registry_V1_RotateGroupAuthorityRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_RotateGroupAuthorityResponse {
        try AuthorizationTable.cloud.authorize(context, for: .group(request.group))
        var check = RequestCheck()
        check.name(request.group, "group")
        try check.finish()
        guard let authority = try await cloud.groupAuthorities.rotate(request.group) else {
            throw StoreError.notFound("no group named \"\(request.group)\" exists")
        }
        var response = Hedgerow_Registry_V1_RotateGroupAuthorityResponse()
        response.authority = Hedgerow_Registry_V1_GroupAuthority(authority)
        response.notifiedCores = UInt32(clamping: cloud.announceAuthority(authority, of: request.group))
        return response
    }

    private func wire(_ record: GroupRecord) async throws -> Hedgerow_Registry_V1_Group {
        let cores = try await cloud.deployments.cores(named: record.newest.definition.cores)
        var group = Hedgerow_Registry_V1_Group()
        group.name = record.name
        group.createTime = Google_Protobuf_Timestamp(record.createTime)
        group.newestRevision = Hedgerow_Type_V1_GroupRevision(record.newest)
            .written(by: record.newest.definition)
        for name in record.newest.definition.cores.sorted() {
            var status = Hedgerow_Registry_V1_CoreStatus()
            status.core = name
            status.connected = cloud.hub.isAttached(name)
            if let time = try await cloud.registry.thing(named: name)?.lastSeenTime {
                status.lastSeenTime = Google_Protobuf_Timestamp(time)
            }
            if let core = cores[name] {
                // What it runs of another group is not this group's revision.
                status.activeRevision = core.active?.group == record.name ? core.active?.number ?? 0 : 0
                status.endpoints = core.endpoints.map(Hedgerow_Type_V1_Endpoint.init)
                status.version = core.version
                status.clockSkew = Google_Protobuf_Duration(milliseconds: core.clockSkewMilliseconds)
            }
            group.cores.append(status)
        }
        group.authorities = try await cloud.groupAuthorities.trusted(record.name)
            .map(Hedgerow_Registry_V1_GroupAuthority.init)
        return group
    }
}

extension CloudContext {
    /// Asks the attached cores of a group for new certificate requests after its CA was replaced.
    ///
    /// - Returns: how many were asked.
    func announceAuthority(_ authority: AuthorityRecord, of group: String) -> Int {
        let cores = directory.cores(of: group)
        // Many cores spread their requests; one does not wait.
        let within = min(Duration.seconds(60), .milliseconds(20 * (cores.count - 1)))
        let notified = hub.requestRenewal(
            AttachMailbox.RenewalWish(
                reason: "the certificate authority of group \"\(group)\" was replaced",
                within: max(.zero, within)),
            from: cores)
        logger.notice(
            "group authority replaced",
            metadata: [
                "group": "\(group)", "fingerprint": "\(authority.fingerprint)",
                "notified.cores": "\(notified)",
            ])
        return notified
    }
}
