/// What a core keeps, beside its own document, of a shadow that it syncs.
///
/// It lies in the same database as the document and changes in the same transactions.
public struct ShadowBase: Hashable, Sendable {
    /// The last document of the cloud that is merged into the core's, with the cloud's version; nil where the cloud
    /// had none, not even a deleted one.
    public var cloud: StoredShadow?
    /// What the core sent last without an answer yet, as the core had it. On disk before it is sent: whether the cloud
    /// took it is told by the cloud's next document, also after a crash.
    public var pending: StoredShadow?

    /// Nothing is known.
    public static let none = ShadowBase(cloud: nil, pending: nil)

    /// Makes a base.
    public init(cloud: StoredShadow?, pending: StoredShadow? = nil) {
        self.cloud = cloud
        self.pending = pending
    }

    /// Whether the core has something that the cloud has to get, as far as the core knows.
    ///
    /// - Parameters:
    ///   - core: What the core has; nil for nothing.
    ///   - direction: Of the shadow.
    public func isDirty(_ core: StoredShadow?, direction: ShadowDirection) -> Bool {
        guard let core, direction != .toEdge else { return false }
        guard let cloud else { return !core.isDeleted }
        return !core.isEquivalent(to: cloud)
    }

    /// Whether the core has something that only it has, where the direction says that the cloud's stands:
    /// ``ShadowSyncDecision`` for the document of the base then gives the core what the cloud has.
    public func isStray(_ core: StoredShadow?, direction: ShadowDirection) -> Bool {
        guard direction == .toEdge, let core, let cloud else { return false }
        return !core.isEquivalent(to: cloud)
    }

    /// The base while a document is under way to the cloud.
    public func sending(_ core: StoredShadow) -> ShadowBase { ShadowBase(cloud: cloud, pending: core) }

    /// The version that the cloud has to have for a document to be written; nil where it has to have none.
    public var expected: ShadowVersion? { cloud?.shadowVersion }

    /// The base after the cloud accepted what was sent; nil where it is settled by another document already, so that
    /// the answer says nothing new.
    ///
    /// - Parameters:
    ///   - sent: The core's version that was sent.
    ///   - cloudVersion: Version that the shadow has in the cloud now.
    public func accepted(_ sent: ShadowVersion, cloudVersion: UInt64) -> ShadowBase? {
        guard let pending, pending.shadowVersion == sent else { return nil }
        var taken = pending.with(version: cloudVersion)
        // As ShadowPush writes it: the cloud's own is deleted.
        if case .deleted(var tombstone) = taken, let cloud {
            tombstone.incarnation = cloud.incarnation
            taken = .deleted(tombstone)
        }
        return ShadowBase(cloud: taken)
    }

    /// The base after it is known that the cloud did not take what was sent: the stream on which it was sent is over, and
    /// on the next one everything was told without it.
    public var notTaken: ShadowBase { ShadowBase(cloud: cloud) }

    /// Whether a deletion of the core's may be forgotten, as far as the sync goes: the cloud knows of it, or never knew
    /// of the shadow.
    public var isForgettable: Bool { pending == nil && cloud?.isDeleted ?? true }

    /// Whether a document of the cloud's is newer than the base, or of another creation. What is not has been taken
    /// already.
    public func isNews(_ stored: StoredShadow?) -> Bool {
        guard let stored, let cloud, stored.incarnation == cloud.incarnation else {
            return stored != nil || cloud != nil
        }
        return stored.version > cloud.version
    }
}
