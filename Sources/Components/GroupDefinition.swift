/// What an operator says about a group: who is in it and what flows (architecture, section 6).
///
/// A plain value; it may be invalid. ``validate()`` says what is wrong with it.
public struct GroupDefinition: Hashable, Sendable, Codable {
    /// Limits of a definition.
    public enum Limits {
        /// Most cores of a group.
        public static let cores = 1_000
        /// Most things of a group.
        public static let things = 10_000
        /// Most selectors under `things`.
        public static let selectors = 64
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
    /// Which things are members besides, until they are resolved to names; none in a revision.
    public var selectors: [ThingSelector]
    /// What runs on every core, at most 256.
    public var components: [ComponentInstance]
    /// Routes, at most 10,000.
    public var subscriptions: [Subscription]
    /// Durable streams by name. `default` exists also where it is not named.
    public var streams: [String: StreamSettings]
    /// Which shadows are kept the same here and in the cloud; nil for none.
    public var shadows: ShadowSettings?
    /// How often the group's CA is replaced; nil means the cloud's default (7 days).
    public var caRotation: TimeSpan?
    /// In a revision that was made with selectors: what the operator wrote. ``things`` and ``subscriptions`` then have
    /// the names that the selectors were resolved to.
    public var written: WrittenGroup?

    /// Makes a definition.
    public init(
        name: String, cores: [String] = [], things: [String] = [], selectors: [ThingSelector] = [],
        components: [ComponentInstance] = [], subscriptions: [Subscription] = [],
        streams: [String: StreamSettings] = [:], shadows: ShadowSettings? = nil, caRotation: TimeSpan? = nil,
        written: WrittenGroup? = nil
    ) {
        self.name = name
        self.cores = cores
        self.things = things
        self.selectors = selectors
        self.components = components
        self.subscriptions = subscriptions
        self.streams = streams
        self.shadows = shadows
        self.caRotation = caRotation
        self.written = written
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
        GroupDefinition(
            name: name, cores: Set(cores).sorted(), things: Set(things).sorted(),
            selectors: Set(selectors.map(\.canonical)).sorted { $0.description < $1.description },
            components: Set(components.map(\.canonical)).sorted {
                $0.sortKey.lexicographicallyPrecedes($1.sortKey)
            },
            subscriptions: Subscription.canonical(subscriptions),
            streams: effectiveStreams.mapValues(\.canonical), shadows: canonicalShadows,
            caRotation: caRotation,
            written: written?.canonical)
    }

    /// Whether two definitions mean the same, so that applying the one over the other changes nothing.
    public func isEquivalent(to other: GroupDefinition) -> Bool {
        canonical == other.canonical
    }
}

extension GroupDefinition {
    private enum CodingKeys: String, CodingKey {
        case name, cores, things, selectors, components, subscriptions, streams, shadows, caRotation, written
    }

    /// Reads a stored definition. One that was stored before there were components, selectors or shadows
    /// has none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try container.decode(String.self, forKey: .name),
            cores: try container.decode([String].self, forKey: .cores),
            things: try container.decode([String].self, forKey: .things),
            selectors: try container.decodeIfPresent([ThingSelector].self, forKey: .selectors) ?? [],
            components: try container.decodeIfPresent([ComponentInstance].self, forKey: .components) ?? [],
            subscriptions: try container.decode([Subscription].self, forKey: .subscriptions),
            streams: try container.decode([String: StreamSettings].self, forKey: .streams),
            shadows: try container.decodeIfPresent(ShadowSettings.self, forKey: .shadows),
            caRotation: try container.decodeIfPresent(TimeSpan.self, forKey: .caRotation),
            written: try container.decodeIfPresent(WrittenGroup.self, forKey: .written))
    }
}

extension ComponentInstance {
    /// What instances are sorted by in the canonical form.
    fileprivate var sortKey: [String] { [name, component, request.description] }
}

extension Subscription {
    /// Routes in one spelling: sorted and without repeats.
    static func canonical(_ subscriptions: [Subscription]) -> [Subscription] {
        Set(subscriptions.map(\.canonical)).sorted { first, second in
            first.sortKey.lexicographicallyPrecedes(second.sortKey)
        }
    }

    /// What subscriptions are sorted by in the canonical form.
    fileprivate var sortKey: [String] { [from.description, topicFilter, to.description, via ?? ""] }
}
