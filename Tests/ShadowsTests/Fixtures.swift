import Shadows
import TestSupport

extension ShadowIncarnation {
    /// The one of a number.
    static func fixture(_ number: UInt8 = 1) -> ShadowIncarnation {
        ShadowIncarnation([UInt8](repeating: 0, count: 15) + [number])!
    }
}

extension ShadowDocument {
    /// A document of these sections.
    static func fixture(
        desired: [String: JSONValue]? = nil, reported: [String: JSONValue]? = nil, version: UInt64 = 1,
        incarnation: UInt8 = 1
    ) -> ShadowDocument {
        ShadowDocument(
            desired: desired, reported: reported, version: version, incarnation: .fixture(incarnation),
            updateTime: 1_700_000_000_000_000)
    }
}

extension JSONValue {
    /// A value of a text that is known to be JSON.
    init(_ text: String) { try! self.init(parsing: text) }

    var members: [String: JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    var elements: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var integer: Int64? {
        guard case .integer(let number) = self else { return nil }
        return number
    }

    /// Without the keys whose value is null.
    var withoutNulls: JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { $0.value != .null }.mapValues(\.withoutNulls))
    }

    /// With `$repeat:x:N` replaced by N times x.
    func expanded() -> JSONValue {
        switch self {
        case .object(let members): return .object(members.mapValues { $0.expanded() })
        case .array(let elements): return .array(elements.map { $0.expanded() })
        case .string(let text) where text.hasPrefix("$repeat:"):
            let parts = text.split(separator: ":")
            guard parts.count == 3, let count = Int(parts[2]) else { return self }
            return .string(String(repeating: String(parts[1]), count: count))
        default: return self
        }
    }

    /// Whether this has all that another has; arrays are compared whole.
    func contains(_ other: JSONValue) -> Bool {
        guard let mine = members, let theirs = other.members else { return isSame(as: other) }
        return theirs.allSatisfy { mine[$0.key]?.contains($0.value) == true }
    }
}
