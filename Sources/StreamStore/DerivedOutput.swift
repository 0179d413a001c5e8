/// One output of a component instance, as origins name it.
///
/// Its ``key`` is the ``OriginKey/component`` of what it derived: `PATH#OUTPUT`. The path is the instance's name;
/// after a chain of components the outputs that the messages went through come first, so that
/// `smooth#0/alarm#65535` are the dead letters of `alarm` for what came from output 0 of `smooth`.
public struct DerivedOutput: Hashable, Sendable {
    /// Path of the instance: `NAME`, or `KEY-BEFORE/NAME` after a chain.
    public let path: String
    /// Index of its output.
    public let index: UInt32

    /// Names an output.
    public init(path: String, index: UInt32) {
        self.path = path
        self.index = index
    }

    /// Reads a key; nil where it is not one of a component's (a thing's own messages have an empty one).
    public init?(key: String) {
        guard let mark = key.lastIndex(of: "#"), mark > key.startIndex,
            let index = UInt32(key[key.index(after: mark)...])
        else { return nil }
        self.init(path: String(key[..<mark]), index: index)
    }

    /// `PATH#OUTPUT`.
    public var key: String { "\(path)#\(index)" }

    /// Name of the instance: the last part of the path.
    public var instance: Substring {
        path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    }

    /// Names of all instances that the messages went through, this one the last.
    public var instances: [Substring] {
        path.split(separator: "/").map { part in part.lastIndex(of: "#").map { part[..<$0] } ?? part }
    }

    /// The path of an instance that is given what comes out here.
    public func path(to instance: String) -> String { "\(key)/\(instance)" }
}
