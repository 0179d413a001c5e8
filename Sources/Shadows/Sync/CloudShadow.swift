/// A shadow as the cloud tells it to a core.
public struct CloudShadow: Hashable, Sendable {
    /// The document or its deletion, with the cloud's version; nil where the cloud has neither.
    public let stored: StoredShadow?
    /// The newest document of the asking core that the cloud took, as the core had it; nil for none. The cloud keeps it
    /// when the shadow is edited, deleted or created again there.
    public let core: ShadowVersion?

    /// Makes what the cloud tells.
    public init(_ stored: StoredShadow?, core: ShadowVersion? = nil) {
        self.stored = stored
        self.core = core
    }
}
