import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// What a cloud knows of shadows, and how it misbehaves.
struct FakeShadowState: Sendable {
    var history: [String: [Hedgerow_Shadow_V1_ShadowHistoryEntry]] = [:]
    var conflicts: [Hedgerow_Shadow_V1_ShadowConflict] = []
    var updates: [Hedgerow_Shadow_V1_UpdateShadowRequest] = []
    var watches: [Hedgerow_Shadow_V1_WatchShadowRequest] = []
    /// What each watch gets before it breaks; the last one stays open.
    var scripts: [[Hedgerow_Shadow_V1_WatchShadowResponse]] = []
    /// Whether what was before is told.
    var keepsHistory = true
}

/// A shadow service that keeps whole documents: it merges the first level of each section, and no more.
struct FakeShadows: Hedgerow_Shadow_V1_ShadowService.SimpleServiceProtocol {
    let cloud: FakeCloud
    /// 2026-05-04T10:30:00Z
    static let time = Google_Protobuf_Timestamp(seconds: 1_777_890_600)

    private func newest(_ thing: String, _ name: String) -> Hedgerow_Shadow_V1_ShadowHistoryEntry? {
        cloud.state.withLock { $0.shadows.history["\(thing)/\(name)"]?.first }
    }

    private func existing(_ thing: String, _ name: String) throws -> Hedgerow_Shadow_V1_ShadowHistoryEntry {
        guard let entry = newest(thing, name), !entry.document.isEmpty else {
            throw HedgerowError(.notFound, .shadowNotFound, "\(thing) has no such shadow")
        }
        return entry
    }

    private static func object(_ text: String) -> [String: Any] {
        ((try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]) ?? [:]
    }

    static func text(_ object: [String: Any]) -> String {
        let data = try? JSONSerialization.data(withJSONObject: object, options: .sortedKeys)
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    func getShadow(
        request: Hedgerow_Shadow_V1_GetShadowRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_GetShadowResponse {
        let entry = try existing(request.thing, request.name)
        return .with {
            $0.document = entry.document
            $0.version = entry.version
            $0.updateTime = entry.updateTime
        }
    }

    func updateShadow(
        request: Hedgerow_Shadow_V1_UpdateShadowRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_UpdateShadowResponse {
        cloud.state.withLock { $0.shadows.updates.append(request) }
        let old = newest(request.thing, request.name)
        let asked = Self.object(request.document)
        if let version = asked["version"] as? Int,
            version != (old?.document.isEmpty ?? true ? 1 : Int(old?.version ?? 0))
        {
            throw HedgerowError(.aborted, .shadowVersionConflict, "Version conflict")
        }
        if request.condition == "false" {
            throw HedgerowError(.aborted, .shadowConditionFalse, "The condition is not true")
        }
        let before = Self.object(old?.document ?? "")["state"] as? [String: Any] ?? [:]
        let change = asked["state"] as? [String: Any] ?? [:]
        var state: [String: Any] = [:]
        for section in ["desired", "reported"] {
            var members = before[section] as? [String: Any] ?? [:]
            members.merge(change[section] as? [String: Any] ?? [:]) { $1 }
            members = members.filter { !($0.value is NSNull) }
            if !members.isEmpty { state[section] = members }
        }
        let desired = state["desired"] as? [String: Any] ?? [:]
        let reported = state["reported"] as? [String: Any] ?? [:]
        let delta = desired.filter { key, value in
            Self.text(["": value]) != reported[key].map { Self.text(["": $0]) }
        }
        if !delta.isEmpty { state["delta"] = delta }
        let times = { (section: [String: Any]) in section.mapValues { _ in ["timestamp": Self.time.seconds] }
        }
        let document = Self.text([
            "state": state, "metadata": ["desired": times(desired), "reported": times(reported)],
            "version": (old?.version ?? 0) + 1, "timestamp": Self.time.seconds,
        ])
        let version = record(document, request.thing, request.name)
        return .with {
            $0.document = Self.text(["state": change, "version": version])
            $0.version = version
            $0.delta = delta.isEmpty ? "" : Self.text(["state": delta])
        }
    }

    private func record(_ document: String, _ thing: String, _ name: String) -> UInt64 {
        cloud.state.withLock { state in
            var entries = state.shadows.history["\(thing)/\(name)"] ?? []
            let version = (entries.first?.version ?? 0) + 1
            let entry = Hedgerow_Shadow_V1_ShadowHistoryEntry.with {
                $0.version = version
                $0.incarnation = "00"
                $0.updateTime = Self.time
                $0.author = "operator:ann"
                $0.document = document
            }
            entries.insert(entry, at: 0)
            state.shadows.history["\(thing)/\(name)"] = entries
            return version
        }
    }

    func deleteShadow(
        request: Hedgerow_Shadow_V1_DeleteShadowRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_DeleteShadowResponse {
        let entry = try existing(request.thing, request.name)
        if request.version != 0, request.version != entry.version {
            throw HedgerowError(.aborted, .shadowVersionConflict, "Version conflict")
        }
        let version = record("", request.thing, request.name)
        return .with { $0.version = version }
    }

    func listShadows(
        request: Hedgerow_Shadow_V1_ListShadowsRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_ListShadowsResponse {
        let all = cloud.state.withLock { $0.shadows.history }.sorted { $0.key < $1.key }
        return .with { reply in
            reply.shadows = all.compactMap { key, entries in
                let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
                guard let newest = entries.first, !newest.document.isEmpty,
                    request.thing.isEmpty || request.thing == parts[0]
                else { return nil }
                return .with {
                    $0.thing = parts[0]
                    $0.name = parts[1]
                    $0.version = newest.version
                    $0.updateTime = newest.updateTime
                    $0.sizeBytes = 42
                    $0.hasDelta_p = newest.document.contains("delta")
                    $0.sync.state = parts[1].isEmpty ? .synced : .failed
                    $0.sync.core = parts[1].isEmpty ? "pi-1" : ""
                    $0.sync.problem = parts[1].isEmpty ? "" : "the document is too large for the cloud"
                    if parts[1].isEmpty { $0.sync.syncedTime = Self.time }
                }
            }
        }
    }

    func watchShadow(
        request: Hedgerow_Shadow_V1_WatchShadowRequest,
        response: RPCWriter<Hedgerow_Shadow_V1_WatchShadowResponse>, context: ServerContext
    ) async throws {
        let (events, isLast) = cloud.state.withLock { state in
            state.shadows.watches.append(request)
            let events = state.shadows.scripts.isEmpty ? [] : state.shadows.scripts.removeFirst()
            return (events, state.shadows.scripts.isEmpty)
        }
        for event in events { try await response.write(event) }
        if isLast { return try await context.cancellation.cancelled }
        throw HedgerowError(.unavailable, .shuttingDown, "the cloud is going down")
    }

    func listShadowHistory(
        request: Hedgerow_Shadow_V1_ListShadowHistoryRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_ListShadowHistoryResponse {
        let (all, isKept) = cloud.state.withLock {
            ($0.shadows.history["\(request.thing)/\(request.name)"] ?? [], $0.shadows.keepsHistory)
        }
        guard isKept else { return .init() }
        // Pages of two, whatever is asked for.
        let start = Int(request.pageToken) ?? 0
        return .with {
            $0.entries = Array(all.dropFirst(start).prefix(min(2, Int(request.pageSize))))
            $0.nextPageToken = start + 2 < all.count ? "\(start + 2)" : ""
        }
    }

    func listShadowConflicts(
        request: Hedgerow_Shadow_V1_ListShadowConflictsRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_ListShadowConflictsResponse {
        .with { $0.conflicts = cloud.state.withLock { $0.shadows.conflicts } }
    }

    func syncShadows(
        request: RPCAsyncSequence<Hedgerow_Shadow_V1_SyncShadowsRequest, any Error>,
        response: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>, context: ServerContext
    ) async throws {
        throw RPCError(code: .unimplemented, message: "this fake has no cores")
    }
}
