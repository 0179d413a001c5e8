import HedgerowAPI
public import Shadows

/// A value of a shadow: JSON. `["interval": .integer(10), "mode": .string("eco")]`.
public typealias ShadowValue = JSONValue

/// A shadow of a thing: a JSON document about it, of which the thing reports one half and others desire the other.
///
/// ```swift
/// let shadow = thing.shadow()
/// try await shadow.report(["interval": .integer(60)])
/// for try await event in try shadow.events(.delta) {
///     guard case .integer(let interval)? = event.delta["interval"] else { continue }
///     try await shadow.report(["interval": .integer(interval)])
/// }
/// ```
///
/// The document is that of the server that the thing is connected to, its core or the cloud; these keep theirs the same as
/// the group says. docs/shadows.md has the rules. Calls wait for as long as there is no connection; cancel the task to give
/// up waiting.
public struct ThingShadow: Sendable {
    /// Its name; empty for the classic one.
    public let name: String
    let registry: ShadowRegistry
    let capacity: Int

    /// Returns the document; nil where there is none.
    ///
    /// - Throws: ``ThingError/shadowRefused(reason:detail:)``, whatever ended the thing, `CancellationError`.
    public func get() async throws -> ThingShadowState? {
        var request = Hedgerow_Shadow_V1_GetShadowRequest()
        request.name = name
        do {
            let reply = try await registry.calls.call(repeatable: true) { [request] client, options in
                try await client.getShadow(request, options: options)
            }
            return try ThingShadowState(reply)
        } catch ThingError.shadowRefused(.shadowNotFound, _) {
            return nil
        }
    }

    /// Changes what is reported: only what is named changes, `.null` deletes.
    ///
    /// - Returns: the version that the document has now.
    /// - Throws: What ``update(desired:reported:version:condition:)`` throws.
    @discardableResult
    public func report(_ values: [String: ShadowValue]) async throws -> UInt64 {
        try await update(reported: values)
    }

    /// Changes what is desired; otherwise like ``report(_:)``.
    @discardableResult
    public func desire(_ values: [String: ShadowValue]) async throws -> UInt64 {
        try await update(desired: values)
    }

    /// Changes the document, or makes one. On disk when this returns.
    ///
    /// Without a version and a condition the change is sent again after a lost connection until it is answered: made twice
    /// it is the same. With one of them it is sent once.
    ///
    /// - Parameters:
    ///   - desired: What changes of what is desired; `.null` deletes.
    ///   - reported: What changes of what is reported.
    ///   - version: Only if the document has this version; 1 makes a new one.
    ///   - condition: Only if this CEL expression over the document is true: `state.reported.t < 30.0`.
    /// - Returns: the version that the document has now.
    /// - Throws: ``ThingError/shadowRefused(reason:detail:)``, with the reason `shadowVersionConflict` or
    ///   `shadowConditionFalse` where nothing was changed for that reason; ``ThingError/shadowUnanswered(problem:)`` where the
    ///   line broke before the answer to a change that is sent once; whatever ended the thing, `CancellationError`.
    @discardableResult
    public func update(
        desired: [String: ShadowValue]? = nil, reported: [String: ShadowValue]? = nil, version: UInt64? = nil,
        condition: String? = nil
    ) async throws -> UInt64 {
        var state: [String: ShadowValue] = [:]
        if let desired { state["desired"] = .object(desired) }
        if let reported { state["reported"] = .object(reported) }
        var document: [String: ShadowValue] = ["state": .object(state)]
        if let version { document["version"] = .integer(Int64(clamping: version)) }
        return try await update(document: .object(document), condition: condition)
    }

    /// Changes the document by a whole request as the reserved topics take it: `{"state": {…}, "version": N}`; otherwise like
    /// ``update(desired:reported:version:condition:)``.
    @discardableResult
    public func update(document: ShadowValue, condition: String? = nil) async throws -> UInt64 {
        var request = Hedgerow_Shadow_V1_UpdateShadowRequest()
        request.name = name
        request.document = document.text
        request.condition = condition ?? ""
        var isOnce = condition != nil
        if case .object(let members) = document, let version = members["version"], version != .null {
            isOnce = true
        }
        return try await registry.calls.call(repeatable: !isOnce) { [request] client, options in
            try await client.updateShadow(request, options: options).version
        }
    }

    /// Deletes the document.
    ///
    /// - Parameter version: Only if the document has this version.
    /// - Returns: false where there was none.
    /// - Throws: What ``update(desired:reported:version:condition:)`` throws.
    @discardableResult
    public func delete(version: UInt64? = nil) async throws -> Bool {
        var request = Hedgerow_Shadow_V1_DeleteShadowRequest()
        request.name = name
        request.version = version ?? 0
        do {
            _ = try await registry.calls.call(repeatable: version == nil) { [request] client, options in
                try await client.deleteShadow(request, options: options)
            }
            return true
        } catch ThingError.shadowRefused(.shadowNotFound, _) {
            return false
        }
    }

    /// What happens to the shadow: first the document as it is, then every event, also across lost connections.
    ///
    /// - Parameter kinds: Which events; all where none is named. ``ThingShadowEvent/Kind/current`` and
    ///   ``ThingShadowEvent/Kind/skipped`` come always.
    /// - Throws: ``ThingError/invalidConfiguration(_:)`` where the thing has 10 such sequences already.
    public func events(_ kinds: ThingShadowEvent.Kind...) throws -> ThingShadowEvents {
        try registry.events(name: name, all: false, kinds: kinds, capacity: capacity)
    }
}
