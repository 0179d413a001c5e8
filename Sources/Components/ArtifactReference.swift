/// A file that a component has on a core, as its recipe names it. The file is known by its digest: two
/// components that name the same digest share one copy.
public struct ArtifactReference: Hashable, Sendable, Codable {
    /// Most artifacts of a recipe, all platforms together.
    public static let maximumCount = 64
    /// Largest artifact: 4 GiB.
    public static let maximumSize: Int64 = 4 << 30

    /// The file's name in the component's directory, `[A-Za-z0-9._-]{1,128}`.
    public var name: String
    /// SHA-256 of the content, 32 bytes.
    public var digest: [UInt8]
    /// Bytes of the content.
    public var size: Int64

    /// Makes a reference.
    public init(name: String, digest: [UInt8], size: Int64) {
        self.name = name
        self.digest = digest
        self.size = size
    }
}
