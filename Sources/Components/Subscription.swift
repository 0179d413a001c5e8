/// A one-way route of a group: messages from one end, with topics that match, to another end.
///
/// Nothing flows that no subscription allows.
public struct Subscription: Hashable, Sendable, Codable {
    /// Where messages come from.
    public var from: SubscriptionEnd
    /// Which topics: an MQTT 3.1.1 filter, at most 256 bytes and 8 levels.
    public var topicFilter: String
    /// Where they go.
    public var to: SubscriptionEnd
    /// The stream that a route to the cloud goes through; nil means `default`. Only with `to: cloud`.
    public var via: String?

    /// Makes a subscription.
    public init(from: SubscriptionEnd, topicFilter: String, to: SubscriptionEnd, via: String? = nil) {
        self.from = from
        self.topicFilter = topicFilter
        self.to = to
        self.via = via
    }

    /// The name of the durable stream that takes this route's messages; nil where none does.
    public var streamName: String? {
        switch to {
        case .cloud: via ?? StreamSettings.defaultName
        case .stream(let name): name
        case .thing, .allThings, .things, .selected, .component, .shadow: nil
        }
    }

    /// The same route in one spelling: `via: default` is the same as no `via`.
    public var canonical: Subscription {
        var copy = self
        copy.from = from.canonical
        copy.to = to.canonical
        if via == StreamSettings.defaultName || via?.isEmpty == true { copy.via = nil }
        return copy
    }
}

extension Subscription: CustomStringConvertible {
    /// For people: `thing:a a/# → cloud via bulk`.
    public var description: String {
        "\(from) \(topicFilter) → \(to)" + (via.map { " via \($0)" } ?? "")
    }
}
