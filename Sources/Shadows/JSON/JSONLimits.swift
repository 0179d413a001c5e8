/// Bounds on a JSON text that is parsed.
public struct JSONLimits: Hashable, Sendable {
    /// Most bytes.
    public var bytes: Int
    /// Most levels of arrays and objects within each other; never more than ``deepest``.
    public var depth: Int

    /// The most levels that can be asked for: parsing nests with them.
    public static let deepest = 128

    /// Makes limits.
    public init(bytes: Int, depth: Int) {
        self.bytes = bytes
        self.depth = min(depth, Self.deepest)
    }

    /// 1 MiB and 64 levels.
    public static let standard = JSONLimits(bytes: 1_048_576, depth: 64)
}
