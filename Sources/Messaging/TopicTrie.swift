/// Values kept under topic filters, found by topic in time proportional to the topic's depth.
///
/// A value may stand under several filters; a lookup names each value once, in the order of insertion.
public struct TopicTrie<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        let order: Int
        let value: Value
    }

    private struct Node: Sendable {
        var literal: [String: Int] = [:]
        var any: Int?
        /// Values of filters that end in `#` below this node; they match the node itself as well.
        var rest: [Entry] = []
        /// Values of filters that end here.
        var exact: [Entry] = []
    }

    // Nodes by index: a tree of value types without boxes.
    private var nodes: [Node] = [Node()]
    /// Number of values.
    public private(set) var count = 0

    /// Makes an empty trie.
    public init() {}

    /// Adds a value under a filter.
    public mutating func insert(_ value: Value, under filter: TopicFilter) {
        var node = 0
        let entry = Entry(order: count, value: value)
        count += 1
        for level in filter.levels {
            switch level {
            case .rest:
                nodes[node].rest.append(entry)
                return
            case .any:
                if let next = nodes[node].any {
                    node = next
                } else {
                    nodes.append(Node())
                    nodes[node].any = nodes.count - 1
                    node = nodes.count - 1
                }
            case .literal(let text):
                if let next = nodes[node].literal[text] {
                    node = next
                } else {
                    nodes.append(Node())
                    nodes[node].literal[text] = nodes.count - 1
                    node = nodes.count - 1
                }
            }
        }
        nodes[node].exact.append(entry)
    }

    /// The values whose filters match a topic, in the order of insertion.
    public func values(matching topic: Topic) -> [Value] {
        var found: [Entry] = []
        collect(node: 0, levels: topic.levels[...], reserved: topic.isReserved, atRoot: true, into: &found)
        return found.sorted { $0.order < $1.order }.map(\.value)
    }

    private func collect(
        node: Int, levels: ArraySlice<Substring>, reserved: Bool, atRoot: Bool, into found: inout [Entry]
    ) {
        let wildcardsAllowed = !(atRoot && reserved)
        if wildcardsAllowed { found.append(contentsOf: nodes[node].rest) }
        guard let first = levels.first else {
            found.append(contentsOf: nodes[node].exact)
            return
        }
        if let next = nodes[node].literal[String(first)] {
            collect(node: next, levels: levels.dropFirst(), reserved: reserved, atRoot: false, into: &found)
        }
        if wildcardsAllowed, let next = nodes[node].any {
            collect(node: next, levels: levels.dropFirst(), reserved: reserved, atRoot: false, into: &found)
        }
    }
}
