import Identity

/// One end of a subscription: where messages come from, or where they go.
///
/// The text forms are those of group files and of the wire: `thing:NAME`, `thing:*`, `thing:PREFIX*`,
/// `thing:{SELECTOR}`, `component:INSTANCE`, `cloud`, `shadow`, `stream:NAME` (architecture, section 2). A
/// selector stands in what an operator writes; a revision has the names that it was resolved to.
public enum SubscriptionEnd: Hashable, Sendable {
    /// One thing of the group.
    case thing(String)
    /// Every thing of the group.
    case allThings
    /// Every thing of the group whose name begins so.
    case things(prefix: String)
    /// Every thing of the group that a selector matches, until it is resolved to names.
    case selected(ThingSelector)
    /// An instance of a component.
    case component(String)
    /// The cloud.
    case cloud
    /// The shadows of the core: they take requests and readings, and send answers and events.
    case shadow
    /// A durable stream of the core.
    case stream(String)

    /// Reads an end.
    ///
    /// - Throws: ``InvalidSubscriptionEnd`` where the kind is unknown or the name breaks the rule for names.
    public init(parsing text: String) throws(InvalidSubscriptionEnd) {
        switch text {
        case "cloud": self = .cloud
        case "shadow": self = .shadow
        default:
            guard let colon = text.firstIndex(of: ":") else { throw InvalidSubscriptionEnd(text: text) }
            let name = String(text[text.index(after: colon)...])
            switch text[..<colon] {
            case "thing": self = try Self.things(name, text: text)
            case "component": self = .component(try Self.valid(name, text: text))
            case "stream": self = .stream(try Self.valid(name, text: text))
            default: throw InvalidSubscriptionEnd(text: text)
            }
        }
    }

    private static func things(
        _ pattern: String, text: String
    ) throws(InvalidSubscriptionEnd) -> SubscriptionEnd {
        if pattern.hasPrefix("{") { return .selected(try selector(pattern, text: text)) }
        guard pattern.hasSuffix("*") else { return .thing(try valid(pattern, text: text)) }
        let prefix = String(pattern.dropLast())
        return prefix.isEmpty ? .allThings : .things(prefix: try valid(prefix, text: text))
    }

    private static func selector(
        _ braced: String, text: String
    ) throws(InvalidSubscriptionEnd) -> ThingSelector {
        guard braced.hasSuffix("}") else {
            throw InvalidSubscriptionEnd(
                text: text, problem: "the selector is not closed; write thing:{SELECTOR}")
        }
        do throws(InvalidSelector) {
            return try ThingSelector(parsing: String(braced.dropFirst().dropLast()))
        } catch {
            throw InvalidSubscriptionEnd(text: text, problem: error.description)
        }
    }

    private static func valid(_ name: String, text: String) throws(InvalidSubscriptionEnd) -> String {
        do {
            try EntityName.validate(name)
            return name
        } catch {
            throw InvalidSubscriptionEnd(text: text, problem: error.description)
        }
    }

    /// The same end in one spelling.
    public var canonical: SubscriptionEnd {
        if case .selected(let selector) = self { .selected(selector.canonical) } else { self }
    }

    /// Whether this end stands for a thing of that name. False for every end that is not of things, and for a
    /// selector, which a name alone does not answer.
    public func matches(thing name: String) -> Bool {
        switch self {
        case .thing(let own): own == name
        case .allThings: true
        case .things(let prefix): name.hasPrefix(prefix)
        case .selected, .component, .cloud, .shadow, .stream: false
        }
    }
}

extension SubscriptionEnd: CustomStringConvertible {
    /// The text form.
    public var description: String {
        switch self {
        case .thing(let name): "thing:\(name)"
        case .allThings: "thing:*"
        case .things(let prefix): "thing:\(prefix)*"
        case .selected(let selector): "thing:{\(selector)}"
        case .component(let instance): "component:\(instance)"
        case .cloud: "cloud"
        case .shadow: "shadow"
        case .stream(let name): "stream:\(name)"
        }
    }
}

extension SubscriptionEnd: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
