/// On which side of a sync shadows are kept.
public enum ShadowSide: Hashable, Sendable {
    /// On a core: what is changed here is to reach the cloud.
    case core
    /// In the cloud.
    case cloud
}
