/// A component that runs in a group, under a name of its own (architecture, section 6).
public struct ComponentInstance: Hashable, Sendable, Codable {
    /// Name of the instance, unique in the group; subscriptions address it.
    public var name: String
    /// Name of the component.
    public var component: String
    /// Which of its versions are wanted.
    public var version: VersionRange

    /// Makes an instance; the component is called like it where nothing else is said.
    public init(name: String, component: String? = nil, version: VersionRange) {
        self.name = name
        self.component = component ?? name
        self.version = version
    }

    /// The same instance with its range in one spelling.
    public var canonical: ComponentInstance {
        ComponentInstance(name: name, component: component, version: version.canonical)
    }
}

extension ComponentInstance: CustomStringConvertible {
    /// For people: `smooth-hall (smooth ^1.0)`.
    public var description: String {
        name == component ? "\(name) (\(version))" : "\(name) (\(component) \(version))"
    }
}
