/// Applies merge patches to a section and its times, in one walk.
enum ShadowPatch {
    typealias Node = ShadowMetadata.Node

    /// - Parameters:
    ///   - patch: What changes; null deletes.
    ///   - target: The object that changes.
    ///   - times: Its times.
    ///   - seconds: The time of what is written.
    static func apply(
        _ patch: [String: JSONValue], to target: inout [String: JSONValue], _ times: inout [String: Node],
        _ seconds: Int64
    ) {
        for (key, value) in patch {
            switch value {
            case .null:
                target[key] = nil
                times[key] = nil
            case .object(let inner):
                if let (object, nodes) = merged(inner, into: target[key], times[key], seconds) {
                    target[key] = .object(object)
                    times[key] = .object(nodes)
                } else {
                    target[key] = nil
                    times[key] = nil
                }
            default:
                target[key] = value
                times[key] = Node.stamp(value, seconds)
            }
        }
    }

    /// An object after a patch; nil where the patch leaves nothing of it. An empty patch keeps an empty object.
    private static func merged(
        _ patch: [String: JSONValue], into value: JSONValue?, _ node: Node?, _ seconds: Int64
    ) -> ([String: JSONValue], [String: Node])? {
        var object: [String: JSONValue] = [:]
        var nodes: [String: Node] = [:]
        if case .object(let members)? = value {
            object = members
            if case .object(let times)? = node { nodes = times }
        }
        apply(patch, to: &object, &nodes, seconds)
        return object.isEmpty && !patch.isEmpty ? nil : (object, nodes)
    }

    /// A document's section after an update.
    static func apply(
        _ section: ShadowUpdate.Section, to target: inout [String: JSONValue],
        _ times: inout [String: Node], _ seconds: Int64
    ) {
        switch section {
        case .untouched: break
        case .cleared:
            target = [:]
            times = [:]
        case .patched(let patch): apply(patch, to: &target, &times, seconds)
        }
    }
}

extension JSONValue {
    /// This value after a merge patch, by the rules of shadows: null deletes, objects merge, all else replaces; an
    /// object of which the patch leaves nothing goes away; a null patch of the whole leaves an empty object.
    public func merging(_ patch: JSONValue) -> JSONValue {
        switch patch {
        case .null: return .object([:])
        case .object(let patch):
            var object = members ?? [:]
            var times: [String: ShadowMetadata.Node] = [:]
            ShadowPatch.apply(patch, to: &object, &times, 0)
            return .object(object)
        default: return patch
        }
    }
}
