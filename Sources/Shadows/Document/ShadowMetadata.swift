/// When each value of a shadow was written last: the tree of the state, with times in place of values.
public struct ShadowMetadata: Hashable, Sendable {
    /// The times of one value.
    public enum Node: Hashable, Sendable {
        /// Of a plain value: seconds since 1970.
        case time(Int64)
        /// Of an object, key by key.
        case object([String: Node])
        /// Of an array, element by element.
        case array([Node])
    }

    /// Of `desired`; empty where there is nothing.
    public var desired: [String: Node]
    /// Of `reported`; empty where there is nothing.
    public var reported: [String: Node]

    /// Makes metadata.
    public init(desired: [String: Node] = [:], reported: [String: Node] = [:]) {
        self.desired = desired
        self.reported = reported
    }
}

extension ShadowMetadata.Node {
    /// The times of a value that is written now.
    static func stamp(_ value: JSONValue, _ seconds: Int64) -> Self {
        switch value {
        case .object(let object): .object(object.mapValues { stamp($0, seconds) })
        case .array(let elements): .array(elements.map { stamp($0, seconds) })
        default: .time(seconds)
        }
    }

    /// The times of a patch that is written now: what it deletes has none.
    static func stamp(patch: [String: JSONValue], _ seconds: Int64) -> [String: Self] {
        patch.compactMapValues { value in
            switch value {
            case .null: nil
            case .object(let object): .object(stamp(patch: object, seconds))
            default: stamp(value, seconds)
            }
        }
    }

    /// These times in the shape of a value, with a time in place of those that are missing.
    static func fit(_ node: Self?, to value: JSONValue, _ seconds: Int64) -> Self {
        switch (value, node) {
        case (.object(let object), .object(let nodes)): .object(fit(nodes, to: object, seconds))
        case (.array(let elements), .array(let nodes)) where nodes.count == elements.count:
            .array(zip(nodes, elements).map { fit($0, to: $1, seconds) })
        case (.object, _), (.array, _): stamp(value, seconds)
        case (_, .time(let time)): .time(time)
        default: .time(seconds)
        }
    }

    /// These times in the shape of an object.
    static func fit(_ nodes: [String: Self], to object: [String: JSONValue], _ seconds: Int64) -> [String:
        Self]
    {
        if fit(nodes, object) { return nodes }
        var result: [String: Self] = [:]
        result.reserveCapacity(object.count)
        for (key, value) in object { result[key] = fit(nodes[key], to: value, seconds) }
        return result
    }

    /// The times of the members, where these are an object's.
    var members: [String: Self]? {
        guard case .object(let nodes) = self else { return nil }
        return nodes
    }

    /// Whether these times have the shape of a value.
    private func fits(_ value: JSONValue) -> Bool {
        switch (value, self) {
        case (.object(let object), .object(let nodes)): Self.fit(nodes, object)
        case (.array(let elements), .array(let nodes)):
            elements.count == nodes.count && zip(nodes, elements).allSatisfy { $0.fits($1) }
        case (.object, _), (.array, _), (_, .object), (_, .array): false
        default: true
        }
    }

    private static func fit(_ nodes: [String: Self], _ object: [String: JSONValue]) -> Bool {
        guard nodes.count == object.count else { return false }
        for (key, value) in object {
            guard let node = nodes[key], node.fits(value) else { return false }
        }
        return true
    }
}

extension JSONWriter {
    mutating func write(_ node: ShadowMetadata.Node) {
        switch node {
        case .time(let seconds):
            raw("{\"timestamp\":")
            write(seconds)
            byte(UInt8(ascii: "}"))
        case .object(let object): write(object)
        case .array(let nodes):
            byte(UInt8(ascii: "["))
            var isFirst = true
            for node in nodes {
                if !isFirst { byte(UInt8(ascii: ",")) }
                isFirst = false
                write(node)
            }
            byte(UInt8(ascii: "]"))
        }
    }

    mutating func write(_ nodes: [String: ShadowMetadata.Node]) {
        write(nodes) { writer, node in writer.write(node) }
    }
}
