import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Logging
import RPCSupport
import ShadowStore
import Shadows
import SwiftProtobuf

/// One stream of a core: what it says is read by one task, what it is told is written by another. Between them is a
/// bounded box; what changed in the cloud is in no queue at all, but read from the store when the core has time for it.
struct ShadowSyncSession: Sendable {
    /// How long a core may take for its first message.
    static let startTimeout: Duration = .seconds(10)

    let shadows: CloudShadows
    let core: String
    let inbox = ShadowSyncInbox()

    init(_ shadows: CloudShadows, core: String) {
        self.shadows = shadows
        self.core = core
    }

    var cloud: CloudContext { shadows.cloud }

    /// Runs until the core goes away, is superseded or cut off, or the server shuts down.
    func run(
        requests: RPCAsyncSequence<Hedgerow_Shadow_V1_SyncShadowsRequest, any Error>,
        responses: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>, context: ServerContext
    ) async throws {
        defer { leave() }
        try await untilCancelled(context) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await read(requests) }
                group.addTask { try await answer(to: responses) }
                group.addTask { try await watchStart() }
                defer { group.cancelAll() }
                // The reader ends where the core has nothing more to say; anything else that ends, throws.
                try await group.next()
                // Streams end without an error where their task is cancelled.
                try Task.checkCancellation()
            }
        }
    }

    private func leave() {
        shadows.sessions.leave(inbox, of: core)
        if let begun = inbox.begun { shadows.hub.remove(begun.watcher) }
    }

    private func watchStart() async throws {
        try await cloud.time.sleep(Self.startTimeout)
        guard inbox.begun != nil else {
            throw Self.invalid("start", "must be in the first message, within 10 seconds")
        }
        // Nothing more to watch; the others go on.
        while true { try await cloud.time.sleep(.seconds(86_400)) }
    }

    // MARK: What the core says

    private func read(
        _ requests: RPCAsyncSequence<Hedgerow_Shadow_V1_SyncShadowsRequest, any Error>
    ) async throws {
        var newest: UInt64 = 0
        for try await request in requests {
            guard inbox.begun != nil else {
                try await begin(request)
                continue
            }
            try Self.check(request)
            if request.takenChange > newest {
                newest = UInt64(clamping: try await shadows.read { try $0.newestChange() })
                guard request.takenChange <= newest else {
                    throw Self.invalid(
                        "taken_change", "is \(request.takenChange), and the newest is \(newest)")
                }
            }
            inbox.add(request)
            await inbox.waitForRoom()
        }
    }

    private func begin(_ request: Hedgerow_Shadow_V1_SyncShadowsRequest) async throws {
        let start = request.start
        guard request.hasStart, request == .with({ $0.start = start }) else {
            throw Self.invalid("start", "must be in the first message, and nothing else")
        }
        guard start.core == core else {
            throw HedgerowError(
                .permissionDenied, .notYourResource,
                "core \"\(core)\" may sync only as itself, not as \"\(start.core)\"")
        }
        let id = RevisionID(group: start.group, number: start.revision)
        // An old revision lets nobody in who left the group since, unless it still runs.
        guard let revision = try await cloud.registry.revision(id), revision.definition.cores.contains(core),
            cloud.directory.isCore(core, in: start.group)
                || cloud.directory.activeRevision(of: core)?.group == start.group
        else {
            throw HedgerowError(
                .failedPrecondition, .notDeployed,
                "no revision \(start.revision) of group \"\(start.group)\" names core \"\(core)\"; deploy the group"
            )
        }
        if let home = revision.definition.shadowHome, home != core {
            throw HedgerowError(
                .failedPrecondition, .shadowAtHomeCore,
                "the shadows of group \"\(start.group)\" are synced by core \"\(home)\"",
                details: ["core": home])
        }
        let selection = ShadowSyncSelection(revision, directory: cloud.directory)
        shadows.sessions.enter(inbox, of: core)
        // Following begins before the first look, so that nothing is missed between the two.
        let watcher = shadows.hub.watch(things: selection.things)
        inbox.begin(.init(selection: selection, watcher: watcher, start: start))
        cloud.logger.info(
            "a core syncs shadows",
            metadata: [
                "core": "\(core)", "group": "\(start.group)", "revision": "\(start.revision)",
                "things.count": "\(selection.rules.count)",
            ])
    }

    private static func check(_ request: Hedgerow_Shadow_V1_SyncShadowsRequest) throws(HedgerowError) {
        if request.hasStart { throw invalid("start", "may only be in the first message") }
        if request.reads.count > ShadowSyncInbox.maximumReads {
            throw invalid(
                "reads",
                "has \(request.reads.count) entries; at most \(ShadowSyncInbox.maximumReads) are allowed")
        }
        if request.writes.count > ShadowSyncInbox.writesPerTransaction {
            throw invalid(
                "writes",
                "has \(request.writes.count) entries; at most \(ShadowSyncInbox.writesPerTransaction) are allowed"
            )
        }
        if request.conflicts.count > ShadowTransaction.conflictsKept {
            throw invalid(
                "conflicts",
                "has \(request.conflicts.count) entries; at most \(ShadowTransaction.conflictsKept) are allowed"
            )
        }
        for (index, write) in request.writes.enumerated() {
            if !write.expectedIncarnation.isEmpty, ShadowIncarnation(write.expectedIncarnation) == nil {
                throw invalid("writes[\(index)].expected_incarnation", "has not 16 bytes")
            }
            if write.conflicts.count > ShadowTransaction.conflictsKept {
                throw invalid(
                    "writes[\(index)].conflicts",
                    "has \(write.conflicts.count) entries; at most \(ShadowTransaction.conflictsKept) are allowed"
                )
            }
        }
    }

    private static func invalid(_ field: String, _ problem: String) -> HedgerowError {
        HedgerowError(violations: [.init(field: field, description: problem)])
    }

    /// Another stream of the core took over.
    static let superseded = HedgerowError(
        .aborted, .sessionSuperseded,
        "the core began to sync again, and the newer stream took over; if two machines use this identity, give one of "
            + "them its own")
}
