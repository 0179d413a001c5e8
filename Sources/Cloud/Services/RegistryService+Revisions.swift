import Components
import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport
import SwiftProtobuf

/// Revisions of groups and what became of them.
extension RegistryService {
    func getGroupRevision(
        request: Hedgerow_Registry_V1_GetGroupRevisionRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_GetGroupRevisionResponse {
        try AuthorizationTable.cloud.authorize(context, for: .group(request.group))
        let newest = try await self.newest(of: request.group)
        let id = RevisionID(
            group: request.group, number: request.revision == 0 ? newest.number : request.revision)
        guard let record = try await cloud.registry.revision(id) else {
            throw StoreError.notFound(
                "group \"\(id.group)\" has no revision \(id.number); its newest is \(newest.number)")
        }
        let before = try await cloud.registry.revisions(of: id.group, before: id.number, limit: 1).first
        var response = Hedgerow_Registry_V1_GetGroupRevisionResponse()
        response.revision = Hedgerow_Type_V1_GroupRevision(record).written(by: record.definition)
        response.summary = try await summaries([record], after: before).first ?? .init()
        return response
    }

    func listGroupRevisions(
        request: Hedgerow_Registry_V1_ListGroupRevisionsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListGroupRevisionsResponse {
        try AuthorizationTable.cloud.authorize(context, for: .group(request.group))
        _ = try await newest(of: request.group)
        let size = try Paging.size(request.pageSize)
        let list = "revisions/\(request.group)"
        let last = try Paging.last(in: request.pageToken, list: list)
        // One more than the page tells whether there are more, and what the last one of it changed.
        let records = try await cloud.registry.revisions(
            of: request.group, before: last.flatMap(UInt64.init) ?? .max, limit: size + 1)
        let shown = Array(records.prefix(size))
        let page = Paging.page(
            try await summaries(shown, after: records.count > size ? records.last : nil), size: size)
        var response = Hedgerow_Registry_V1_ListGroupRevisionsResponse()
        response.revisions = page.entries
        if page.more || records.count > size, let last = page.entries.last {
            response.nextPageToken = Paging.token(list: list, after: "\(last.revision)")
        }
        return response
    }

    private func newest(of group: String) async throws -> RevisionRecord {
        var check = RequestCheck()
        check.name(group, "group")
        try check.finish()
        guard let record = try await cloud.registry.group(named: group) else {
            throw StoreError.notFound("no group named \"\(group)\" exists")
        }
        return record.newest
    }

    /// - Parameters:
    ///   - records: consecutive revisions, the newest first.
    ///   - before: the revision before the last of them, nil where that is the first of all.
    private func summaries(
        _ records: [RevisionRecord], after before: RevisionRecord?
    ) async throws -> [Hedgerow_Registry_V1_GroupRevisionSummary] {
        guard let group = records.first?.group else { return [] }
        let deployments = try await cloud.history.deployments(of: group, revisions: records.map(\.number))
        return records.enumerated().map { index, record in
            let previous = index + 1 < records.count ? records[index + 1] : before
            var summary = Hedgerow_Registry_V1_GroupRevisionSummary()
            summary.revision = record.number
            summary.createTime = Google_Protobuf_Timestamp(record.createTime)
            summary.author = record.author
            summary.summary = GroupDifferences.summary(
                GroupDifferences.between(previous?.definition, record.definition))
            summary.deployments = (deployments[record.number]?.newest ?? []).map(
                Hedgerow_Registry_V1_RevisionDeployment.init)
            summary.deploymentCount = UInt32(clamping: deployments[record.number]?.count ?? 0)
            return summary
        }
    }
}

extension Hedgerow_Registry_V1_RevisionDeployment {
    init(_ record: RevisionDeploymentRecord) {
        self.init()
        // What matters most comes first.
        let order: [CoreStage] = [
            .failed, .rolledBack, .timedOut, .inProgress, .pending, .canceled, .succeeded,
        ]
        id = record.id
        createTime = Google_Protobuf_Timestamp(record.createTime)
        outcome =
            order.first { record.stages[$0] != nil }.map(Hedgerow_Deployment_V1_DeploymentStatus.init)
            ?? .unspecified
        coreCount = UInt32(clamping: record.stages.values.reduce(0, +))
        succeededCount = UInt32(clamping: record.stages[.succeeded] ?? 0)
        lockOfDeployment = record.lockOf ?? ""
    }
}

extension Hedgerow_Type_V1_GroupRevision {
    /// The same with what the operator wrote, where that has selectors. Operators get it, cores do not.
    func written(by definition: GroupDefinition) -> Hedgerow_Type_V1_GroupRevision {
        guard let written = definition.written else { return self }
        var copy = self
        copy.written.things = written.things
        copy.written.selectors = written.selectors.map(\.description)
        copy.written.subscriptions = written.subscriptions.map(Hedgerow_Type_V1_Subscription.init)
        return copy
    }
}
