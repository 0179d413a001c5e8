/// What the cloud does with a document that a core sends: it compares and swaps.
public enum ShadowPush {
    /// What became of it.
    public enum Outcome: Hashable, Sendable {
        /// This is to be stored, with the cloud's next version.
        case accepted(StoredShadow)
        /// The cloud has something else: it tells what, and nothing changes.
        case refused
        /// It can never be written: the document is too large.
        case tooLarge(bytes: Int)
    }

    /// Decides.
    ///
    /// - Parameters:
    ///   - sent: What the core has, with the core's version.
    ///   - expected: The version that the cloud has to have; nil where it has to have none, not even a deletion.
    ///   - stored: What the cloud has; nil for nothing.
    ///   - limits: The cloud's bounds.
    ///   - now: Microseconds since 1970, by the cloud's clock.
    public static func apply(
        _ sent: StoredShadow, expected: ShadowVersion?, to stored: StoredShadow?, limits: ShadowLimits,
        now: Int64
    ) -> Outcome {
        guard stored?.shadowVersion == expected else { return .refused }
        let version = (stored?.version ?? 0) + 1
        switch sent {
        case .present(var document):
            let bytes = document.stateBytes
            if bytes > limits.documentBytes { return .tooLarge(bytes: bytes) }
            document.version = version
            document.updateTime = now
            return .accepted(.present(document))
        case .deleted(let tombstone):
            // What the cloud had is deleted, whatever the core's was called.
            return .accepted(
                .deleted(
                    ShadowTombstone(
                        incarnation: stored?.incarnation ?? tombstone.incarnation, version: version,
                        deleteTime: now)))
        }
    }
}
