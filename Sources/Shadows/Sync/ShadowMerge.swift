/// The three-way merge of a shadow's state, leaf by leaf; arrays are leaves.
///
/// What one side changed since the base stands. Where both changed the same leaf differently, the cloud wins under
/// `desired` and the core under `reported`, and that is noted.
public struct ShadowMerge: Sendable {
    /// The merged sections; empty where nothing is left.
    public private(set) var desired: [String: JSONValue]
    /// See ``desired``.
    public private(set) var reported: [String: JSONValue]
    /// When each value was written.
    public private(set) var metadata: ShadowMetadata
    /// The leaves that both had changed; at most ``maximumConflicts`` are noted.
    public private(set) var conflicts: [ShadowConflict] = []

    /// Most conflicts that one merge notes.
    public static let maximumConflicts = 100

    private typealias Node = ShadowMetadata.Node
    private typealias Entry = (value: JSONValue, node: Node?)

    /// Merges.
    ///
    /// - Parameters:
    ///   - base: What both were; nil where that is not known: then all that both have differently is a conflict.
    ///   - core: What the core has.
    ///   - cloud: What the cloud has.
    public init(base: ShadowDocument?, core: ShadowDocument, cloud: ShadowDocument) {
        desired = [:]
        reported = [:]
        metadata = ShadowMetadata()
        let wanted = merge(
            base?.desired ?? [:], (core.desired ?? [:], core.metadata.desired),
            (cloud.desired ?? [:], cloud.metadata.desired), ["desired"], .cloud)
        let found = merge(
            base?.reported ?? [:], (core.reported ?? [:], core.metadata.reported),
            (cloud.reported ?? [:], cloud.metadata.reported), ["reported"], .core)
        desired = wanted.0
        reported = found.0
        metadata = ShadowMetadata(desired: wanted.1, reported: found.1)
    }

    private mutating func merge(
        _ base: [String: JSONValue], _ core: ([String: JSONValue], [String: Node]),
        _ cloud: ([String: JSONValue], [String: Node]), _ path: [String], _ owner: ShadowConflict.Side
    ) -> ([String: JSONValue], [String: Node]) {
        var object: [String: JSONValue] = [:]
        var nodes: [String: Node] = [:]
        object.reserveCapacity(max(core.0.count, cloud.0.count))
        nodes.reserveCapacity(max(core.0.count, cloud.0.count))
        func keep(_ key: String, _ entry: Entry?) {
            guard let entry else { return }
            object[key] = entry.value
            nodes[key] = entry.node ?? .time(0)
        }
        for (key, value) in core.0 {
            let theirs = cloud.0[key].map { (value: $0, node: cloud.1[key]) }
            keep(key, leaf(base[key], (value, core.1[key]), theirs, path, key, owner))
        }
        for (key, value) in cloud.0 where core.0[key] == nil {
            keep(key, leaf(base[key], nil, (value, cloud.1[key]), path, key, owner))
        }
        return (object, nodes)
    }

    /// One key; at least one side has it. Nil where it goes away.
    private mutating func leaf(
        _ base: JSONValue?, _ core: Entry?, _ cloud: Entry?, _ path: [String], _ key: String,
        _ owner: ShadowConflict.Side
    ) -> Entry? {
        if Self.areSame(core?.value, cloud?.value) { return core }
        if Self.areSame(core?.value, base) { return cloud }
        if Self.areSame(cloud?.value, base) { return core }
        // An object that one side deleted is one without members: its leaves are looked at one by one.
        let hadMembers = base?.members != nil
        if let mine = core == nil && hadMembers ? [:] : core?.value.members,
            let theirs = cloud == nil && hadMembers ? [:] : cloud?.value.members
        {
            let inner = merge(
                base?.members ?? [:], (mine, Self.nodes(core?.node)), (theirs, Self.nodes(cloud?.node)),
                path + [key], owner)
            // Nothing is left: an empty object that one side had stands, if that side wins.
            if inner.0.isEmpty, (owner == .core ? core : cloud)?.value.members?.isEmpty != true { return nil }
            return (.object(inner.0), .object(inner.1))
        }
        note(base, core?.value, cloud?.value, path, key, owner)
        return owner == .core ? core : cloud
    }

    private mutating func note(
        _ base: JSONValue?, _ core: JSONValue?, _ cloud: JSONValue?, _ path: [String], _ key: String,
        _ owner: ShadowConflict.Side
    ) {
        guard conflicts.count < Self.maximumConflicts else { return }
        conflicts.append(
            ShadowConflict(
                path: (path + [key]).joined(separator: "/"), base: base, coreValue: core, cloudValue: cloud,
                winner: owner,
                rule: owner == .core
                    ? "both changed it: under reported the core wins"
                    : "both changed it: under desired the cloud wins"))
    }

    private static func nodes(_ node: Node?) -> [String: Node] {
        guard case .object(let nodes)? = node else { return [:] }
        return nodes
    }

    private static func areSame(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?): left.isSame(as: right)
        default: false
        }
    }
}
