/// A component that runs in a group, under a name of its own (architecture, section 6).
public struct ComponentInstance: Hashable, Sendable {
    /// Name of the instance, unique in the group; subscriptions address it.
    public var name: String
    /// Name of the component.
    public var component: String
    /// Which of its versions is wanted: a range, or what an alias points at.
    public var request: VersionRequest
    /// What the instance changes of the recipe's configuration.
    public var configuration: ConfigurationUpdate
    /// Variables of its own; at most 64, and 32 KiB together.
    public var environment: [String: String]
    /// Whose shadows its program may use, as far as its recipe says that it uses any (``ComponentAccess/shadows``). A
    /// transform uses those of the thing of its message, and has none here.
    public var shadows: [ThingPattern]

    /// Limits of an instance's environment and shadows.
    public enum Limits {
        /// Most entries of shadows.
        public static let shadows = 1_000
        /// Most variables.
        public static let environment = 64
        /// Most bytes of all names and values together: 32 KiB.
        public static let environmentBytes = 32 << 10
    }

    /// Makes an instance; the component is called like it where nothing else is said.
    public init(
        name: String, component: String? = nil, request: VersionRequest,
        configuration: ConfigurationUpdate = ConfigurationUpdate(), environment: [String: String] = [:],
        shadows: [ThingPattern] = []
    ) {
        self.name = name
        self.component = component ?? name
        self.request = request
        self.configuration = configuration
        self.environment = environment
        self.shadows = shadows
    }

    /// Makes an instance that wants a version in a range.
    public init(
        name: String, component: String? = nil, version: VersionRange,
        configuration: ConfigurationUpdate = ConfigurationUpdate(), environment: [String: String] = [:],
        shadows: [ThingPattern] = []
    ) {
        self.init(
            name: name, component: component, request: .range(version), configuration: configuration,
            environment: environment, shadows: shadows)
    }

    /// Whether its program may use the shadows of a thing of the group, if its recipe says that it uses any.
    public func reachesShadows(of thing: String) -> Bool { shadows.contains { $0.matches(thing) } }

    /// Which versions are wanted; every version where an alias is named, which only the registry can look up.
    public var version: VersionRange {
        get { request.range }
        set { request = .range(newValue) }
    }

    /// The same instance with its range, its configuration and its shadows in one spelling.
    public var canonical: ComponentInstance {
        var copy = self
        copy.request = request.canonical
        copy.configuration = configuration.canonical
        copy.shadows = Set(shadows).sorted { $0.text < $1.text }
        return copy
    }
}

extension ComponentInstance: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, component, version, configuration, environment, shadows
    }

    /// Reads a stored instance; what it does not have it does not change.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try container.decode(String.self, forKey: .name),
            component: try container.decode(String.self, forKey: .component),
            request: try container.decode(VersionRequest.self, forKey: .version),
            configuration: try container.decodeIfPresent(ConfigurationUpdate.self, forKey: .configuration)
                ?? ConfigurationUpdate(),
            environment: try container.decodeIfPresent([String: String].self, forKey: .environment) ?? [:],
            shadows: try container.decodeIfPresent([ThingPattern].self, forKey: .shadows) ?? [])
    }

    /// Writes the instance; what is empty is left out.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(component, forKey: .component)
        try container.encode(request, forKey: .version)
        if !configuration.isEmpty { try container.encode(configuration, forKey: .configuration) }
        if !environment.isEmpty { try container.encode(environment, forKey: .environment) }
        if !shadows.isEmpty { try container.encode(shadows, forKey: .shadows) }
    }
}

extension ComponentInstance: CustomStringConvertible {
    /// For people: `smooth-hall (smooth ^1.0)`.
    public var description: String {
        name == component ? "\(name) (\(request))" : "\(name) (\(component) \(request))"
    }
}
