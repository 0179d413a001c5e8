/// What is stored of a shadow that was created at some time.
public enum StoredShadow: Hashable, Sendable {
    /// It is there.
    case present(ShadowDocument)
    /// It was deleted.
    case deleted(ShadowTombstone)

    /// The document, where it is there.
    public var document: ShadowDocument? {
        guard case .present(let document) = self else { return nil }
        return document
    }

    /// Whether it was deleted.
    public var isDeleted: Bool { document == nil }

    /// Names its creation.
    public var incarnation: ShadowIncarnation {
        switch self {
        case .present(let document): document.incarnation
        case .deleted(let tombstone): tombstone.incarnation
        }
    }

    /// Its version, or that of its deletion.
    public var version: UInt64 {
        switch self {
        case .present(let document): document.version
        case .deleted(let tombstone): tombstone.version
        }
    }

    /// Its version with its creation.
    public var shadowVersion: ShadowVersion { ShadowVersion(incarnation: incarnation, version: version) }

    /// When it was changed or deleted last, in microseconds since 1970.
    public var updateTime: Int64 {
        switch self {
        case .present(let document): document.updateTime
        case .deleted(let tombstone): tombstone.deleteTime
        }
    }

    /// The same with another version.
    public func with(version: UInt64) -> StoredShadow {
        switch self {
        case .present(var document):
            document.version = version
            return .present(document)
        case .deleted(var tombstone):
            tombstone.version = version
            return .deleted(tombstone)
        }
    }

    /// Whether both are the same to a sync: both deleted, or the same creation with the same state. Versions and
    /// times do not count.
    public func isEquivalent(to other: StoredShadow) -> Bool {
        switch (self, other) {
        case (.deleted, .deleted): true
        case (.present(let left), .present(let right)):
            left.incarnation == right.incarnation && left.hasSameState(as: right)
        default: false
        }
    }
}
