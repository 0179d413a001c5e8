import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport
import ShadowStore
import Shadows

/// Shadows in the cloud: for operators, for things that are connected straight to it, and for the sync with cores.
struct CloudShadows: ShadowBackend {
    let cloud: CloudContext
    let store: CloudShadowStore
    let sessions = ShadowSyncSessions()
    let metrics = ShadowMetrics()

    init(_ cloud: CloudContext, store: CloudShadowStore) {
        self.cloud = cloud
        self.store = store
    }

    var hub: ShadowHub { store.hub }
    var limits: ShadowLimits { store.limits }
    var core: String? { nil }
    var clock: WallClock { store.clock }

    func admit(_ access: ShadowAccess, context: ServerContext) async throws -> ShadowAdmission {
        let peer = try context.peer()
        let principal = peer.principal
        let thing = access.thing.isEmpty && principal.role == .thing ? principal.name : access.thing
        try AuthorizationTable.cloud.authorize(context, for: thing.isEmpty ? .none : .thing(thing))
        let author = "\(principal.role.rawValue):\(principal.name)"
        if thing.isEmpty {
            guard access.mayMeanAll else {
                throw HedgerowError(violations: [
                    .init(field: "thing", description: "is empty; name the thing of the shadow")
                ])
            }
            return ShadowAdmission(thing: nil, author: author, connection: peer.remoteAddress)
        }
        var check = RequestCheck()
        check.name(thing, "thing")
        try check.finish()
        guard cloud.directory.isRegistered(thing: thing) else {
            throw StoreError.notFound("no thing or core named \"\(thing)\" is registered")
        }
        return ShadowAdmission(thing: thing, author: author, connection: peer.remoteAddress)
    }

    func commit<Value: Sendable>(
        author: String, _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value {
        try await store.commit(author: author, work)
    }

    func read<Value: Sendable>(
        _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value {
        try await store.read(work)
    }

    func isSynced(thing: String) -> Bool { cloud.directory.isShadowSynced(thing: thing) }

    func syncShadows(
        request: RPCAsyncSequence<Hedgerow_Shadow_V1_SyncShadowsRequest, any Error>,
        response: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>, context: ServerContext
    ) async throws {
        let core = try context.peer().principal
        try AuthorizationTable.cloud.authorize(context, for: .core(core.name))
        try await ShadowSyncSession(self, core: core.name).run(
            requests: request, responses: response, context: context)
    }
}
