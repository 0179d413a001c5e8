extension JSONParser {
    /// Reads the times of a value without the detour over JSON values: metadata is the larger part of a small shadow.
    ///
    /// `{"timestamp": 5}` is a time, `{"timestamp": {…}}` the times of an object with that key. What is neither is
    /// passed over; nil where nothing is left.
    mutating func times() throws(JSONError) -> ShadowMetadata.Node? {
        switch peek() {
        case UInt8(ascii: "{"): return try objectTimes()
        case UInt8(ascii: "["): return .array(try arrayTimes())
        default:
            _ = try value()
            return nil
        }
    }

    private mutating func objectTimes() throws(JSONError) -> ShadowMetadata.Node {
        try enter()
        var nodes: [String: ShadowMetadata.Node] = [:]
        if peek() == UInt8(ascii: "}") {
            _ = take(UInt8(ascii: "}"))
            leave()
            return .object(nodes)
        }
        var time: Int64?
        var count = 0
        while true {
            guard peek() == UInt8(ascii: "\"") else { throw unexpected("where a key belongs") }
            let key = try string()
            count += 1
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw unexpected("where a colon belongs") }
            if key == "timestamp", let next = peek(), next != UInt8(ascii: "{"), next != UInt8(ascii: "[") {
                if case .integer(let seconds) = try value() { time = seconds }
            } else if let node = try times() {
                nodes[key] = node
            }
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw unexpected("where a comma or } belongs") }
            leave()
            if count == 1, let time { return .time(time) }
            return .object(nodes)
        }
    }

    private mutating func arrayTimes() throws(JSONError) -> [ShadowMetadata.Node] {
        try enter()
        var nodes: [ShadowMetadata.Node] = []
        if peek() == UInt8(ascii: "]") {
            _ = take(UInt8(ascii: "]"))
            leave()
            return nodes
        }
        while true {
            nodes.append(try times() ?? .time(0))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw unexpected("where a comma or ] belongs") }
            leave()
            return nodes
        }
    }
}
