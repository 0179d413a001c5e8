/// A map of CEL: keys are int, uint, bool or string, in the order of insertion. Whole numbers that are equal
/// are one key, whatever their type (`1`, `1u`, and `1.0` when asked for).
public struct ValueMap: Hashable, Sendable {
    /// A key and its value.
    public struct Entry: Hashable, Sendable {
        /// The key as it was given.
        public let key: Value
        /// Its value.
        public let value: Value
    }

    /// The entries in order of insertion.
    public private(set) var entries: [Entry] = []
    private var positions: [MapKey: Int] = [:]

    /// An empty map.
    public init() {}

    /// Makes a map with text keys, in ascending order.
    public init(_ values: [String: Value]) {
        for (key, value) in values.sorted(by: { $0.key < $1.key }) { insert(value, for: .string(key)) }
    }

    /// The number of entries.
    public var count: Int { entries.count }

    /// The value of a key; nil where there is none, or where the value can be no key.
    public subscript(_ key: Value) -> Value? {
        guard let key = MapKey(looking: key), let position = positions[key] else { return nil }
        return entries[position].value
    }

    /// Adds an entry; false, and nothing added, where the key is there already or can be no key.
    @discardableResult
    public mutating func insert(_ value: Value, for key: Value) -> Bool {
        guard let normal = MapKey(storing: key), positions[normal] == nil else { return false }
        positions[normal] = entries.count
        entries.append(Entry(key: key, value: value))
        return true
    }

    /// Same keys with same values, in any order.
    public static func == (left: ValueMap, right: ValueMap) -> Bool {
        left.count == right.count && left.entries.allSatisfy { right[$0.key] == $0.value }
    }

    /// Hashes the keys' number and the keys, in any order.
    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for key in positions.keys { combined ^= key.hashValue }
        hasher.combine(combined)
    }
}
