public import GRPCCore
public import HedgerowAPI
import Identity
import ShadowStore
import Shadows
import SwiftProtobuf

/// `ShadowService`, the same for the cloud, for a core's things and for its components: what differs is the backend.
public struct ShadowServiceProvider<Backend: ShadowBackend>: Hedgerow_Shadow_V1_ShadowService
        .SimpleServiceProtocol
{
    let backend: Backend
    private let gate: ShadowRequestGate

    /// Makes a service.
    ///
    /// - Parameter gate: Where requests are counted; share it between services of the same connections.
    public init(backend: Backend, gate: ShadowRequestGate = ShadowRequestGate()) {
        self.backend = backend
        self.gate = gate
    }

    // MARK: One shadow

    /// Returns the document.
    public func getShadow(
        request: Hedgerow_Shadow_V1_GetShadowRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_GetShadowResponse {
        let admission = try await backend.admit(.init(.read, thing: request.thing), context: context)
        return try await gate.run(admission.connection) {
            let key = try Self.key(admission, request.name)
            let document = try await Self.mapped { try await backend.read { try $0.get(key) } }
            return .with {
                $0.document = document.getResponse()
                $0.version = document.version
                $0.updateTime = Microseconds.timestamp(document.updateTime)
            }
        }
    }

    /// Changes the document, or creates it.
    public func updateShadow(
        request: Hedgerow_Shadow_V1_UpdateShadowRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_UpdateShadowResponse {
        let admission = try await backend.admit(.init(.write, thing: request.thing), context: context)
        return try await gate.run(admission.connection) {
            let key = try Self.key(admission, request.name)
            let limits = backend.limits
            let applied = try await telling(key) {
                let update = try ShadowUpdate(parsing: request.document.utf8, limits: limits)
                let condition = request.condition.isEmpty ? nil : try ShadowCondition(request.condition)
                return try await backend.commit(author: admission.author) {
                    try $0.update(key, update, condition: condition)
                }
            }
            return .with {
                $0.document = applied.step.acceptedText
                $0.version = applied.step.after.version
                $0.delta = applied.step.deltaText ?? ""
            }
        }
    }

    /// Deletes the document.
    public func deleteShadow(
        request: Hedgerow_Shadow_V1_DeleteShadowRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_DeleteShadowResponse {
        let admission = try await backend.admit(.init(.write, thing: request.thing), context: context)
        return try await gate.run(admission.connection) {
            let key = try Self.key(admission, request.name)
            guard request.clientToken.utf8.count <= ShadowLimits.tokenBytes else {
                throw HedgerowError.shadowField(
                    "client_token", "has more than \(ShadowLimits.tokenBytes) bytes")
            }
            let applied = try await telling(key) {
                try await backend.commit(author: admission.author) {
                    try $0.delete(
                        key, version: request.version == 0 ? nil : request.version,
                        clientToken: request.clientToken.isEmpty ? nil : request.clientToken)
                }
            }
            return .with {
                $0.document = applied.step.acceptedText
                $0.version = applied.step.after.version
            }
        }
    }

    // MARK: Lists

    /// Lists shadows.
    public func listShadows(
        request: Hedgerow_Shadow_V1_ListShadowsRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_ListShadowsResponse {
        let admission = try await backend.admit(
            .init(.read, thing: request.thing, mayMeanAll: true), context: context)
        return try await gate.run(admission.connection) {
            let size = try ShadowPaging.size(request.pageSize)
            let list = "shadows/\(admission.thing ?? "")"
            var after: ShadowKey?
            if let last = try ShadowPaging.last(in: request.pageToken, list: list) {
                let parts = last.split(separator: "/", omittingEmptySubsequences: false)
                guard parts.count == 2,
                    let key = try? ShadowKey(thing: String(parts[0]), name: String(parts[1]))
                else { throw ShadowPaging.foreign }
                after = key
            }
            let summaries = try await backend.read { [after] in
                try $0.list(thing: admission.thing, after: after, limit: size + 1)
            }
            let page = summaries.prefix(size)
            var response = Hedgerow_Shadow_V1_ListShadowsResponse()
            response.shadows = page.map(summary)
            if summaries.count > size, let last = page.last?.key {
                response.nextPageToken = ShadowPaging.token(list: list, after: "\(last.thing)/\(last.name)")
            }
            return response
        }
    }

    /// Lists what a shadow was.
    public func listShadowHistory(
        request: Hedgerow_Shadow_V1_ListShadowHistoryRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_ListShadowHistoryResponse {
        let admission = try await backend.admit(.init(.read, thing: request.thing), context: context)
        return try await gate.run(admission.connection) {
            let key = try Self.key(admission, request.name)
            let size = min(try ShadowPaging.size(request.pageSize), ShadowPaging.withDocuments)
            let list = "history/\(key)"
            let before = try ShadowPaging.number(in: request.pageToken, list: list)
            let entries = try await backend.read { try $0.history(of: key, before: before, limit: size + 1) }
            let wired = entries.map(Hedgerow_Shadow_V1_ShadowHistoryEntry.init)
            let count = ShadowPaging.count(wired, size: size) { $0.document.utf8.count }
            var response = Hedgerow_Shadow_V1_ListShadowHistoryResponse()
            response.entries = Array(wired.prefix(count))
            if count < entries.count, count > 0 {
                response.nextPageToken = ShadowPaging.token(list: list, after: "\(entries[count - 1].change)")
            }
            return response
        }
    }

    /// Lists what was decided where both sides of a sync had changed the same.
    public func listShadowConflicts(
        request: Hedgerow_Shadow_V1_ListShadowConflictsRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_ListShadowConflictsResponse {
        let admission = try await backend.admit(.init(.read, thing: request.thing), context: context)
        return try await gate.run(admission.connection) {
            let key = try Self.key(admission, request.name)
            let size = min(try ShadowPaging.size(request.pageSize), ShadowPaging.withDocuments)
            let list = "conflicts/\(key)"
            let before = try ShadowPaging.number(in: request.pageToken, list: list)
            let entries = try await backend.read {
                try $0.conflicts(of: key, before: before, limit: size + 1)
            }
            let count = ShadowPaging.count(entries, size: size) { entry in
                entry.conflict.base.utf8.count + entry.conflict.coreValue.utf8.count
                    + entry.conflict.cloudValue.utf8.count
            }
            var response = Hedgerow_Shadow_V1_ListShadowConflictsResponse()
            response.conflicts = entries.prefix(count).map { .init($0.conflict) }
            if count < entries.count, count > 0 {
                response.nextPageToken = ShadowPaging.token(list: list, after: "\(entries[count - 1].entry)")
            }
            return response
        }
    }

    // MARK: Streams

    /// Streams what happens to shadows.
    public func watchShadow(
        request: Hedgerow_Shadow_V1_WatchShadowRequest,
        response: RPCWriter<Hedgerow_Shadow_V1_WatchShadowResponse>, context: ServerContext
    ) async throws {
        let admission = try await backend.admit(
            .init(.read, thing: request.thing, mayMeanAll: true), context: context)
        let watch = try Self.watch(backend, admission, request)
        try await untilCancelled(context) {
            try await watch.run(to: response)
            throw CancellationError()
        }
    }

    /// Keeps shadows of a core and of the cloud the same.
    public func syncShadows(
        request: RPCAsyncSequence<Hedgerow_Shadow_V1_SyncShadowsRequest, any Error>,
        response: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>, context: ServerContext
    ) async throws {
        try await backend.syncShadows(request: request, response: response, context: context)
    }

    // MARK: Parts

    private static func watch(
        _ backend: Backend, _ admission: ShadowAdmission, _ request: Hedgerow_Shadow_V1_WatchShadowRequest
    ) throws(HedgerowError) -> ShadowWatch<Backend> {
        let scope: ShadowScope
        if let thing = admission.thing {
            guard request.name.isEmpty || !request.allNames else {
                throw .shadowField("all_names", "is set, and so is name; set one of them")
            }
            let key = try key(admission, request.name)
            scope = request.allNames ? .thing(thing) : .shadow(key)
        } else {
            guard request.name.isEmpty else {
                throw .shadowField("thing", "is empty; name the thing of the shadow \"\(request.name)\"")
            }
            scope = .all
        }
        var start = ShadowWatch<Backend>.Start.present
        if !request.afterPosition.isEmpty {
            guard let position = ShadowPosition(request.afterPosition) else {
                throw .shadowField("after_position", "is no position that a stream of events gave")
            }
            start = .position(position)
        } else if request.afterVersion > 0 {
            guard case .shadow = scope else {
                throw .shadowField(
                    "after_version", "is for one shadow; use after_position where many are followed")
            }
            start = .version(request.afterVersion)
        }
        let kinds = request.kinds.isEmpty ? Hedgerow_Shadow_V1_ShadowEventKind.allCases : request.kinds
        return ShadowWatch(backend: backend, scope: scope, kinds: Set(kinds), start: start)
    }

    /// The shadow that a request means.
    private static func key(
        _ admission: ShadowAdmission, _ name: String
    ) throws(HedgerowError) -> ShadowKey {
        guard let thing = admission.thing else {
            throw .shadowField("thing", "is empty; name a thing")
        }
        do throws(ShadowError) {
            return try ShadowKey(thing: thing, name: name)
        } catch {
            throw .shadowField("name", "is no name of a shadow: \(error.message)")
        }
    }

    private func summary(_ summary: ShadowSummary) -> Hedgerow_Shadow_V1_ShadowSummary {
        .with {
            $0.thing = summary.key.thing
            $0.name = summary.key.name
            $0.version = summary.version
            $0.updateTime = Microseconds.timestamp(summary.updateTime)
            $0.sizeBytes = UInt32(clamping: summary.size)
            $0.hasDelta_p = summary.hasDelta
            $0.sync = status(of: summary)
        }
    }

    private func status(of summary: ShadowSummary) -> Hedgerow_Shadow_V1_ShadowSyncStatus {
        let facts = summary.sync
        return .with {
            $0.core = facts.core ?? (facts.syncTime == nil ? "" : backend.core ?? "")
            if let time = facts.syncTime { $0.syncedTime = Microseconds.timestamp(time) }
            $0.problem = facts.problem ?? ""
            $0.state =
                if !backend.isSynced(thing: summary.key.thing) {
                    .local
                } else if facts.problem != nil {
                    .failed
                } else {
                    facts.isPending || facts.syncTime == nil ? .pending : .synced
                }
        }
    }

    /// Runs a request that changes something; those who follow are told of its refusal.
    private func telling(
        _ key: ShadowKey, _ body: () async throws -> AppliedShadow
    ) async throws -> AppliedShadow {
        do {
            return try await body()
        } catch let error as ShadowError {
            backend.hub.rejected(key, document: error.rejectedText(now: backend.clock.now))
            throw HedgerowError(error)
        }
    }

    private static func mapped<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as ShadowError {
            throw HedgerowError(error)
        }
    }
}
