import FoundationEssentials

/// An artifact in the cloud.
struct ArtifactRecord: Hashable, Sendable {
    /// SHA-256 of its bytes.
    var digest: [UInt8]
    var size: UInt64
    /// What it was called when it was uploaded first.
    var name: String
    var createTime: Date
    /// When it was last uploaded or asked for.
    var useTime: Date
    /// Component versions that name it, at most ``maximumUsers``.
    var users: [ComponentID] = []

    /// Most component versions that are named with an artifact.
    static let maximumUsers = 100
}
