/// Why a version of a component is as it is: who asked for which range, and why that one is there at all.
public struct ResolutionReason: Hashable, Sendable {
    /// Who asks for something.
    public enum Asker: Hashable, Sendable {
        /// The group's definition.
        case group
        /// An instance, by a dependency of its recipe.
        case component(instance: String, version: SemanticVersion, kind: ComponentDependency.Kind)
    }

    /// One wish.
    public struct Wish: Hashable, Sendable {
        /// Who asks.
        public let asker: Asker
        /// For which component.
        public let component: String
        /// For which of its versions.
        public let range: VersionRange

        /// Makes a wish.
        public init(asker: Asker, component: String, range: VersionRange) {
            self.asker = asker
            self.component = component
            self.range = range
        }
    }

    /// The wish itself, then the one that brought its asker, and so on to the group; at least one.
    public let chain: [Wish]

    init(chain: [Wish]) {
        self.chain = chain
    }

    /// The range that is asked for.
    public var range: VersionRange { chain.first?.range ?? .any }
    /// Who asks.
    public var asker: Asker { chain.first?.asker ?? .group }
}

extension ResolutionReason.Asker: CustomStringConvertible {
    /// For people: `the group`, `component:smooth 1.2.0`.
    public var description: String {
        switch self {
        case .group: "the group"
        case .component(let instance, let version, _): "component:\(instance) \(version)"
        }
    }
}

extension ResolutionReason.Wish: CustomStringConvertible {
    /// For people: `component:smooth 1.2.0 wants filter ^1`.
    public var description: String {
        var text = "\(asker) wants \(component) \(range)"
        if case .component(_, _, .soft) = asker { text += " (soft)" }
        return text
    }
}

extension ResolutionReason: CustomStringConvertible {
    /// Most wishes that ``description`` names.
    public static let mostNamed = 8

    /// For people, the whole chain: `component:a 1.0.0 wants b ^1, because the group wants a *`.
    public var description: String {
        let named = chain.prefix(Self.mostNamed).map(\.description)
        let more = chain.count > Self.mostNamed ? ["\(chain.count - Self.mostNamed) more ask for that"] : []
        return (named + more).joined(separator: ", because ")
    }
}
