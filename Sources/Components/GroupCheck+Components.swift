import Messaging

/// Component instances: who they are, and what flows between them.
extension GroupCheck {
    mutating func checkComponents() {
        let components = definition.components
        if components.count > GroupDefinition.Limits.components {
            add(
                "components",
                "\(components.count) components are too many; a group has at most "
                    + "\(GroupDefinition.Limits.components)")
        }
        var seen = Set<String>()
        for (index, instance) in components.enumerated() {
            let path = "components[\(index)]"
            if let problem = nameProblem(instance.name) {
                add("\(path).name", "the component's \(problem)")
            } else if !seen.insert(instance.name).inserted {
                add(
                    "\(path).name",
                    "the component \"\(instance.name)\" is listed twice; give one another name, and say with "
                        + "component: which component it is")
            }
            if instance.component != instance.name, let problem = nameProblem(instance.component) {
                add("\(path).component", "the component's \(problem)")
            }
            if instance.request.description.allSatisfy(\.isWhitespace) {
                add(
                    "\(path).version",
                    "the version is empty; write an exact version such as 1.2.0, a range such as ^1.2, or "
                        + "\"*\" for the newest")
            }
            checkSettings(of: instance, path: path)
        }
    }

    /// Reserved topics: a component publishes none but its own dead letters, and nobody else publishes those.
    mutating func checkReserved(_ subscription: Subscription, _ filter: TopicFilter, path: String) {
        // Those of shadows have a check of their own.
        guard filter.isReserved, subscription.from != .shadow, subscription.to != .shadow else { return }
        if case .component(let instance) = subscription.from {
            let own = DeadLetter.topic(ofInstance: instance)
            if instances.contains(instance), let topic = try? Topic(own), !filter.matches(topic) {
                add(
                    "\(path).topic",
                    "topics that begin with $ are reserved; of those only \(own) comes from "
                        + "component:\(instance)")
            }
        } else if filter.levels.first == .literal(DeadLetter.firstLevel) {
            add(
                "\(path).from",
                "dead letters come from components; write from: component:INSTANCE with the topic "
                    + "\(DeadLetter.topic(ofInstance: "INSTANCE"))")
        }
    }

    // MARK: Flow

    mutating func checkFlow() {
        if definition.components.count > GroupDefinition.Limits.components { return }
        let graph = ComponentGraph(definition: definition, carries: carries)
        let loops = graph.loops()
        for loop in loops {
            let names = (loop + loop.prefix(1)).map { "component:\($0.instance)" }.joined(separator: " → ")
            let places = loop.map { "subscriptions[\($0.subscription)]" }.joined(separator: ", ")
            add(
                "subscriptions[\(loop[loop.count - 1].subscription)]",
                "\(names) is a loop (\(places)); a message would never leave it, remove one of these routes")
        }
        if loops.isEmpty, let chain = graph.longestChain(), chain.count > GroupDefinition.Limits.chain {
            let names = chain.map { "component:\($0.instance)" }.joined(separator: " → ")
            add(
                "subscriptions[\(chain[GroupDefinition.Limits.chain - 1].subscription)]",
                "\(names) are \(chain.count) components one after the other; a message passes at most "
                    + "\(GroupDefinition.Limits.chain), do more of the work in one component")
        }
        if outputs != nil { checkDeadEnds() }
    }

    /// Whether anything may come along a route from a component.
    private func carries(_ subscription: Subscription, from instance: String) -> Bool {
        guard let published = outputs?[instance] else { return true }
        guard let filter = try? TopicFilter(subscription.topicFilter) else { return false }
        return Self.matches(filter, published: published, instance: instance)
    }

    /// Whether a filter matches anything that an instance publishes, its dead letters included.
    private static func matches(_ filter: TopicFilter, published: [PublishedTopic], instance: String) -> Bool
    {
        if filter.isReserved {
            return (try? Topic(DeadLetter.topic(ofInstance: instance))).map(filter.matches) ?? false
        }
        return published.contains { output in
            switch output {
            case .literal(let topic): filter.matches(topic)
            case .computed, .unknown: true
            }
        }
    }

    private mutating func checkDeadEnds() {
        let taken = ComponentFilters(definition: definition)
        let reached = definition.reachedInstances
        for (index, instance) in definition.components.enumerated() {
            let end = "component:\(instance.name)"
            // A program may well be where messages begin.
            if !reached.contains(instance.name), outputs?[instance.name]?.contains(.unknown) != true {
                add("components[\(index)]", "nothing reaches \(end); add a subscription to: \(end)")
            }
            for output in outputs?[instance.name].map(Self.distinct) ?? [] {
                switch output {
                case .literal(let topic) where !taken.takes(topic, from: instance.name):
                    add(
                        "components[\(index)]",
                        "\(end) publishes \"\(topic)\", which no subscription takes; add "
                            + "{from: \(end), topic: \(topic), to: cloud}, or where it should go")
                case .computed where !taken.takesAnything(from: instance.name):
                    add(
                        "components[\(index)]",
                        "no subscription takes what \(end) publishes; add "
                            + "{from: \(end), topic: \"#\", to: cloud}, or where it should go")
                case .literal, .computed, .unknown: break
                }
            }
        }
        for (index, subscription) in definition.subscriptions.enumerated() {
            checkFilter(subscription, path: "subscriptions[\(index)]")
        }
    }

    /// Refuses a filter that matches nothing that its component publishes.
    private mutating func checkFilter(_ subscription: Subscription, path: String) {
        guard case .component(let instance) = subscription.from, let published = outputs?[instance],
            let filter = try? TopicFilter(subscription.topicFilter),
            // Only a program asks shadows on their topics.
            !filter.isReserved || subscription.to == .shadow && !published.contains(.unknown),
            !Self.matches(filter, published: published, instance: instance)
        else { return }
        let topics = Self.distinct(published).compactMap { output in
            if case .literal(let topic) = output { topic.description } else { nil }
        }
        let advice =
            topics.isEmpty
            ? "it publishes nothing" : "it publishes \(topics.map { "\"\($0)\"" }.joined(separator: ", "))"
        let hint = hint(for: subscription.topicFilter, in: topics, or: advice)
        add(
            "\(path).topic",
            "component:\(instance) publishes nothing that \"\(subscription.topicFilter)\" matches; \(hint)")
    }

    /// The same topics in their order, each once.
    private static func distinct(_ published: [PublishedTopic]) -> [PublishedTopic] {
        var seen = Set<PublishedTopic>()
        return published.filter { seen.insert($0).inserted }
    }
}
