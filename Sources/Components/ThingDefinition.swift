/// What an operator says about a thing in a file of `kind: Thing`.
public struct ThingDefinition: Hashable, Sendable {
    /// Name, valid by the rule for names.
    public var name: String
    /// Whether it runs an edge core.
    public var isCore: Bool
    /// Name of its type; empty where it has none.
    public var type: String
    /// Its attributes.
    public var attributes: [String: String]

    /// Makes a definition.
    public init(name: String, isCore: Bool = false, type: String = "", attributes: [String: String] = [:]) {
        self.name = name
        self.isCore = isCore
        self.type = type
        self.attributes = attributes
    }

    /// What differs from another state of the thing; empty exactly where both mean the same.
    ///
    /// - Parameter old: nil where the thing is new.
    public func differences(from old: ThingDefinition?) -> [Difference] {
        Difference.between(old?.type ?? "", type, in: "type")
            + Difference.between(old?.attributes ?? [:], attributes, in: "attributes")
    }
}

extension Difference {
    /// What differs between two texts, where an empty one is none.
    static func between(_ old: String, _ new: String, in section: String) -> [Difference] {
        if old == new { return [] }
        return [
            Difference(
                section, old.isEmpty ? .added : new.isEmpty ? .removed : .changed, "", from: old, to: new)
        ]
    }

    /// What differs between two mappings of texts, by key.
    static func between(
        _ old: [String: String], _ new: [String: String], in section: String
    ) -> [Difference] {
        Set(old.keys).union(new.keys).sorted().compactMap { key in
            switch (old[key], new[key]) {
            case (let old?, nil): Difference(section, .removed, key, from: old)
            case (nil, let new?): Difference(section, .added, key, to: new)
            case (let old?, let new?) where old != new:
                Difference(section, .changed, key, from: old, to: new)
            case (.some, .some), (nil, nil): nil
            }
        }
    }
}
