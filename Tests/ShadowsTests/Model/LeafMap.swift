import Shadows

/// The leaves of a state by path, for comparing without the code under test.
struct LeafMap: Equatable {
    var leaves: [String: JSONValue] = [:]

    init() {}

    init(_ stored: StoredShadow?) {
        if let state = stored?.document?.state { add(state, "") }
    }

    private mutating func add(_ value: JSONValue, _ path: String) {
        guard let members = value.members else {
            leaves[path] = value
            return
        }
        for (key, member) in members { add(member, path.isEmpty ? key : "\(path)/\(key)") }
    }

    /// The merge of leaves by the rule, and the paths of conflicts: one sided changes stand; else the cloud wins under
    /// `desired`, the core under `reported`.
    static func merge(base: LeafMap, core: LeafMap, cloud: LeafMap) -> (LeafMap, Set<String>) {
        var result = LeafMap()
        var conflicts: Set<String> = []
        for path in Set(core.leaves.keys).union(cloud.leaves.keys) {
            let (old, mine, theirs) = (base.leaves[path], core.leaves[path], cloud.leaves[path])
            if mine == old || mine == theirs {
                result.leaves[path] = theirs
            } else if theirs == old {
                result.leaves[path] = mine
            } else {
                conflicts.insert(path)
                result.leaves[path] = path.hasPrefix("desired") ? theirs : mine
            }
        }
        return (result, conflicts)
    }
}
