import Messaging

/// Which topics the subscriptions of a group take from each component instance.
struct ComponentFilters {
    private let filters: [String: [TopicFilter]]

    /// Collects the filters; invalid ones take nothing.
    init(definition: GroupDefinition) {
        var filters: [String: [TopicFilter]] = [:]
        for subscription in definition.subscriptions {
            guard case .component(let instance) = subscription.from,
                let filter = try? TopicFilter(subscription.topicFilter)
            else { continue }
            filters[instance, default: []].append(filter)
        }
        self.filters = filters
    }

    /// Whether a subscription takes what an instance publishes on a topic.
    func takes(_ topic: Topic, from instance: String) -> Bool {
        filters[instance]?.contains { $0.matches(topic) } ?? false
    }

    /// The same for a topic that may be invalid; nothing takes such a one.
    func takes(_ topic: String, from instance: String) -> Bool {
        (try? Topic(topic)).map { takes($0, from: instance) } ?? false
    }

    /// Whether a subscription takes anything that is no dead letter.
    func takesAnything(from instance: String) -> Bool {
        filters[instance]?.contains { !$0.isReserved } ?? false
    }

    /// Whether a subscription takes whatever an instance may publish, dead letters left aside.
    func takesEverything(from instance: String) -> Bool {
        filters[instance]?.contains { $0.levels == [.rest] } ?? false
    }
}
