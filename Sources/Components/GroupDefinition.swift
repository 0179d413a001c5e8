/// What an operator says about a group: who is in it and what flows (architecture, section 6).
///
/// A plain value; it may be invalid. ``validate()`` says what is wrong with it.
public struct GroupDefinition: Hashable, Sendable, Codable {
    /// Limits of a definition.
    public enum Limits {
        /// Most cores of a group.
        public static let cores = 100
        /// Most things of a group.
        public static let things = 10_000
        /// Most subscriptions of a group (semantics, section 8).
        public static let subscriptions = 10_000
        /// Most component instances of a group.
        public static let components = 256
        /// Most components that a message passes one after the other (architecture, section 2).
        public static let chain = 8
        /// Most streams of a group.
        public static let streams = 64
        /// Shortest and longest time between two replacements of the group's CA. The longest leaves a core
        /// certificate (90 days) inside the validity of the CA that signed it (400 days).
        public static let caRotation = TimeSpan.hours(1)...TimeSpan.days(300)
    }

    /// Name, valid by the rule for names.
    public var name: String
    /// Names of the cores, at least one.
    public var cores: [String]
    /// Names of the things.
    public var things: [String]
    /// What runs on every core, at most 256.
    public var components: [ComponentInstance]
    /// Routes, at most 10,000.
    public var subscriptions: [Subscription]
    /// Durable streams by name. `default` exists also where it is not named.
    public var streams: [String: StreamSettings]
    /// How often the group's CA is replaced; nil means the cloud's default (7 days).
    public var caRotation: TimeSpan?

    /// Makes a definition.
    public init(
        name: String, cores: [String] = [], things: [String] = [], components: [ComponentInstance] = [],
        subscriptions: [Subscription] = [], streams: [String: StreamSettings] = [:],
        caRotation: TimeSpan? = nil
    ) {
        self.name = name
        self.cores = cores
        self.things = things
        self.components = components
        self.subscriptions = subscriptions
        self.streams = streams
        self.caRotation = caRotation
    }

    /// The settings of every stream there is, `default` included.
    public var effectiveStreams: [String: StreamSettings] {
        var all = streams
        if all[StreamSettings.defaultName] == nil { all[StreamSettings.defaultName] = StreamSettings() }
        return all
    }

    /// The same definition in one spelling: lists sorted and without repeats, `default` named, `via: default`
    /// left out, ranges written as comparators. Two definitions mean the same exactly when their canonical forms are equal.
    public var canonical: GroupDefinition {
        let routes = Set(subscriptions.map(\.canonical)).sorted { first, second in
            first.sortKey.lexicographicallyPrecedes(second.sortKey)
        }
        return GroupDefinition(
            name: name, cores: Set(cores).sorted(), things: Set(things).sorted(),
            components: Set(components.map(\.canonical)).sorted {
                $0.sortKey.lexicographicallyPrecedes($1.sortKey)
            },
            subscriptions: routes, streams: effectiveStreams.mapValues(\.canonical), caRotation: caRotation)
    }

    /// Whether two definitions mean the same, so that applying the one over the other changes nothing.
    public func isEquivalent(to other: GroupDefinition) -> Bool {
        canonical == other.canonical
    }
}

extension GroupDefinition {
    private enum CodingKeys: String, CodingKey {
        case name, cores, things, components, subscriptions, streams, caRotation
    }

    /// Reads a stored definition. One that was stored before there were components has none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try container.decode(String.self, forKey: .name),
            cores: try container.decode([String].self, forKey: .cores),
            things: try container.decode([String].self, forKey: .things),
            components: try container.decodeIfPresent([ComponentInstance].self, forKey: .components) ?? [],
            subscriptions: try container.decode([Subscription].self, forKey: .subscriptions),
            streams: try container.decode([String: StreamSettings].self, forKey: .streams),
            caRotation: try container.decodeIfPresent(TimeSpan.self, forKey: .caRotation))
    }
}

extension ComponentInstance {
    /// What instances are sorted by in the canonical form.
    fileprivate var sortKey: [String] { [name, component, version.description] }
}

extension Subscription {
    /// What subscriptions are sorted by in the canonical form.
    fileprivate var sortKey: [String] { [from.description, topicFilter, to.description, via ?? ""] }
}
