public import GRPCCore
public import HedgerowAPI
public import ShadowStore
public import Shadows

/// What stands behind a ``ShadowServiceProvider``: who may do what, and where shadows are kept.
public protocol ShadowBackend: Sendable {
    /// Wakes those who follow.
    var hub: ShadowHub { get }
    /// What a document may be.
    var limits: ShadowLimits { get }

    /// The time of day.
    var clock: WallClock { get }

    /// Decides about a request, before anything is read.
    ///
    /// - Returns: which thing is meant, and who asks.
    /// - Throws: `HedgerowError`: PERMISSION_DENIED; NOT_FOUND where the thing does not exist; INVALID_ARGUMENT where a
    ///   thing has to be named; FAILED_PRECONDITION (``HedgerowError/shadowAtHomeCore(_:thing:)``) where another core
    ///   serves it.
    func admit(_ access: ShadowAccess, context: ServerContext) async throws -> ShadowAdmission

    /// Runs work in a transaction that is on disk when this returns, and tells ``hub`` what it changed.
    ///
    /// - Throws: What the work throws, then nothing of it is stored; or `HedgerowError` where storage failed.
    func commit<Value: Sendable>(
        author: String, _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value

    /// Runs work that only reads, over one snapshot.
    func read<Value: Sendable>(
        _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value

    /// Whether a group says that a thing's shadows are synced.
    func isSynced(thing: String) -> Bool
    /// Name of the core that keeps these shadows; nil in the cloud.
    var core: String? { get }

    /// Serves `SyncShadows`. Where a backend does not, it answers UNIMPLEMENTED.
    func syncShadows(
        request: RPCAsyncSequence<Hedgerow_Shadow_V1_SyncShadowsRequest, any Error>,
        response: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>, context: ServerContext
    ) async throws
}

extension ShadowBackend {
    /// The system's.
    public var clock: WallClock { .system }

    /// Answers UNIMPLEMENTED: only the cloud keeps shadows the same with cores.
    public func syncShadows(
        request: RPCAsyncSequence<Hedgerow_Shadow_V1_SyncShadowsRequest, any Error>,
        response: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>, context: ServerContext
    ) async throws {
        throw HedgerowError(
            .unimplemented, .roleNotAllowed, "only the cloud serves SyncShadows; connect to it")
    }
}
