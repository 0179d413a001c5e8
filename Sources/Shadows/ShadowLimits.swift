/// Bounds on a shadow.
public struct ShadowLimits: Hashable, Sendable {
    /// Most bytes of `desired` and `reported` together, each as JSON without spaces. Metadata does not count.
    public var documentBytes: Int
    /// Most levels of objects and arrays within `desired` and within `reported`, the section itself being the first.
    public var depth: Int

    /// Makes limits.
    ///
    /// - Parameters:
    ///   - documentBytes: Most bytes of `desired` and `reported` together.
    ///   - depth: Most levels. Default 8.
    public init(documentBytes: Int, depth: Int = 8) {
        self.documentBytes = documentBytes
        self.depth = depth
    }

    /// In the cloud: 8 KiB, depth 8.
    public static let cloud = ShadowLimits(documentBytes: 8_192)
    /// On a core: 30,720 bytes, depth 8.
    public static let local = ShadowLimits(documentBytes: 30_720)

    /// Most bytes of a request, spaces and all.
    public static let requestBytes = 131_072
    /// Most bytes of a client token.
    public static let tokenBytes = 64
}
