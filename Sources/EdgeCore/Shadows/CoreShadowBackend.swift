import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport
import ShadowStore
import Shadows
import StreamStore

/// What stands behind the `ShadowService` of a core, for things and for the programs that it runs.
struct CoreShadowBackend: ShadowBackend {
    let parts: TelemetryParts

    var hub: ShadowHub { parts.shadows.hub }
    var limits: ShadowLimits { parts.shadows.settings.limits }
    var core: String? { parts.core }

    func isSynced(thing: String) -> Bool { parts.table.shadows.rule(for: thing) != nil }

    func admit(_ access: RPCSupport.ShadowAccess, context: ServerContext) async throws -> ShadowAdmission {
        let admission =
            if let caller = context.transportSpecific as? ComponentCaller {
                try admit(access, caller)
            } else {
                try admit(access, try context.peer().principal, context)
            }
        if let thing = admission.thing {
            try parts.table.shadows.requireHome(of: thing, core: parts.core)
        }
        return admission
    }

    /// A thing has its own shadows, and no others.
    private func admit(
        _ access: RPCSupport.ShadowAccess, _ principal: Principal, _ context: ServerContext
    ) throws -> ShadowAdmission {
        guard principal.role == .thing else {
            throw HedgerowError(
                .permissionDenied, .roleNotAllowed,
                "a core serves shadows to its things and components; ask the cloud")
        }
        guard access.thing.isEmpty || access.thing == principal.name else {
            throw HedgerowError(
                .permissionDenied, .notYourResource,
                "thing \"\(principal.name)\" may use only its own shadows, and not those of \"\(access.thing)\""
            )
        }
        return ShadowAdmission(
            thing: principal.name, author: "thing:\(principal.name)", connection: "\(context.remotePeer)")
    }

    /// A program has those that its recipe and its group let it use.
    private func admit(_ access: RPCSupport.ShadowAccess, _ caller: ComponentCaller) throws -> ShadowAdmission
    {
        guard !access.thing.isEmpty else {
            throw HedgerowError(
                .invalidArgument, .invalidField,
                "thing: is empty; name the thing whose shadow component instance \"\(caller.instance)\" wants"
            )
        }
        let component = try ReceiveHandler.component(caller.instance, of: parts)
        if let refusal = parts.table.shadows.refusal(
            of: component, thing: access.thing, ofMessage: nil, writes: access.kind == .write)
        {
            throw HedgerowError(.permissionDenied, .notYourResource, refusal)
        }
        return ShadowAdmission(
            thing: access.thing, author: "component:\(caller.instance)",
            connection: "component \(caller.instance) \(caller.run)")
    }

    func commit<Value: Sendable>(
        author: String, _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await parts.commitShadows(author: author, work)
        } catch StorageError.full {
            throw HedgerowError(
                .resourceExhausted, .storageFailed,
                "the core's disk is full; nothing is stored, send it again",
                retryAfter: CorePublishBackend.pauseOfFullDisk)
        } catch let error as StorageError {
            throw HedgerowError(
                .unavailable, .storageFailed, "nothing was stored: \(error)", retryAfter: .seconds(5),
                cause: error)
        } catch let error as CommitterClosed {
            throw HedgerowError(
                .unavailable, .shuttingDown, "\(error)", retryAfter: .seconds(1), cause: error)
        }
    }

    func read<Value: Sendable>(
        _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value { try await parts.readShadows(work) }
}
