/// Which way a shadow is synced between its core and the cloud.
public enum ShadowDirection: String, CaseIterable, Hashable, Sendable, Codable {
    /// Changes of both sides reach the other.
    case both
    /// The cloud gets what the core has.
    case toCloud
    /// The core gets what the cloud has.
    case toEdge
}
