/// Names a shadow: a thing, and the shadow's name.
public struct ShadowKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Name of the thing, `[a-zA-Z0-9:._-]`, at most 128.
    public let thing: String
    /// Name of the shadow, `[a-zA-Z0-9:_-]`, at most 64; empty for the classic one.
    public let name: String

    /// Longest name of a thing, in bytes.
    public static let longestThing = 128
    /// Longest name of a shadow, in bytes.
    public static let longestName = 64

    /// Checks the names.
    ///
    /// - Parameters:
    ///   - thing: Name of the thing.
    ///   - name: Name of the shadow; empty, the default, for the classic one.
    /// - Throws: ``ShadowError`` with 400.
    public init(thing: String, name: String = "") throws(ShadowError) {
        if thing.isEmpty { throw ShadowError(.badRequest, "ThingName is missing") }
        if thing.utf8.count > Self.longestThing {
            throw ShadowError(
                .badRequest, "ThingName has a maximum length of \(Self.longestThing) characters")
        }
        guard thing.utf8.allSatisfy({ Self.isAllowed($0) || $0 == UInt8(ascii: ".") }) else {
            throw ShadowError(.badRequest, "ThingName must match pattern [a-zA-Z0-9:._-]+")
        }
        if name.utf8.count > Self.longestName {
            throw ShadowError(
                .badRequest, "ShadowName has a maximum length of \(Self.longestName) characters")
        }
        guard name.utf8.allSatisfy(Self.isAllowed) else {
            throw ShadowError(.badRequest, "ShadowName must match pattern [a-zA-Z0-9:_-]+")
        }
        self.thing = thing
        self.name = name
    }

    /// Whether this is the thing's shadow without a name.
    public var isClassic: Bool { name.isEmpty }

    /// The thing's name, and the shadow's after a `~` where it has one.
    public var description: String { name.isEmpty ? thing : "\(thing)~\(name)" }

    /// By thing, then by name, the classic one first.
    public static func < (left: ShadowKey, right: ShadowKey) -> Bool {
        (left.thing, left.name) < (right.thing, right.name)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
