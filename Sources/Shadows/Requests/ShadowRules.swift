/// What becomes of a stored shadow by a request.
public enum ShadowRules {
    /// Applies an update.
    ///
    /// - Parameters:
    ///   - stored: What is stored; nil for nothing.
    ///   - update: The request.
    ///   - now: Microseconds since 1970.
    ///   - limits: Bounds. A document that is too large already may become smaller.
    ///   - isSynced: Whether a sync may bring back an older creation; see ``nextVersion(after:now:isSynced:)``.
    ///   - newIncarnation: Names the creation, where this is one.
    /// - Throws: ``ShadowError`` with 400 where the first write names another version than 1, 409 where a later
    ///   one names another than the document has, 413 where the document would be too large.
    public static func update(
        _ stored: StoredShadow?, _ update: ShadowUpdate, now: Int64, limits: ShadowLimits,
        isSynced: Bool = false, newIncarnation: @autoclosure () -> ShadowIncarnation
    ) throws(ShadowError) -> ShadowChange {
        let token = update.clientToken
        let document = stored?.document
        if let version = update.version {
            if let document {
                if version != document.version { throw conflict(token) }
            } else if version != 1 {
                throw ShadowError(.badRequest, "Invalid version", clientToken: token)
            }
        }
        let seconds = ShadowTime.seconds(now)
        var desired = document?.desired ?? [:]
        var reported = document?.reported ?? [:]
        var metadata = document?.metadata ?? ShadowMetadata()
        ShadowPatch.apply(update.desired, to: &desired, &metadata.desired, seconds)
        ShadowPatch.apply(update.reported, to: &reported, &metadata.reported, seconds)
        let changed = ShadowDocument(
            fitting: desired, reported, metadata,
            version: nextVersion(after: stored, now: now, isSynced: isSynced),
            incarnation: document?.incarnation ?? newIncarnation(), updateTime: now)
        let size = changed.stateBytes
        if size > limits.documentBytes, size > document?.stateBytes ?? 0 {
            throw ShadowError(
                .tooLarge, ShadowRequest.tooLarge.message, clientToken: token)
        }
        return ShadowChange(
            before: stored, after: .present(changed), update: update, clientToken: token, now: now)
    }

    /// Deletes a shadow.
    ///
    /// - Parameters:
    ///   - stored: What is stored; nil for nothing.
    ///   - version: The version that it has to have; nil for any.
    ///   - clientToken: Comes back in the answer.
    ///   - now: Microseconds since 1970.
    ///   - key: Named in the message where there is no shadow.
    /// - Throws: ``ShadowError`` with 404 where there is none, 409 where it has another version.
    public static func delete(
        _ stored: StoredShadow?, version: UInt64? = nil, clientToken: String? = nil, now: Int64,
        key: ShadowKey? = nil
    ) throws(ShadowError) -> ShadowChange {
        guard let document = stored?.document else { throw .noShadow(key, clientToken: clientToken) }
        if let version, version != document.version { throw conflict(clientToken) }
        let tombstone = ShadowTombstone(
            incarnation: document.incarnation, version: document.version + 1, deleteTime: now)
        return ShadowChange(
            before: stored, after: .deleted(tombstone), update: nil, clientToken: clientToken, now: now)
    }

    /// The version that comes after what is stored: one more, also after a deletion of the last 48 hours; else 1.
    ///
    /// - Parameters:
    ///   - stored: What is stored; nil for nothing.
    ///   - now: Microseconds since 1970.
    ///   - isSynced: Whether it goes on counting as long as a deletion is stored at all: where a shadow is synced one
    ///     way, the creation before the deletion may come back, and its versions must not go back.
    public static func nextVersion(
        after stored: StoredShadow?, now: Int64, isSynced: Bool = false
    ) -> UInt64 {
        switch stored {
        case .present(let document)?: document.version + 1
        case .deleted(let tombstone)? where isSynced || tombstone.isCounting(at: now): tombstone.version + 1
        default: 1
        }
    }

    private static func conflict(_ token: String?) -> ShadowError {
        ShadowError(.conflict, "Version conflict", clientToken: token)
    }
}
