import Messaging

/// Shadows: what is synced, who may use them, and the routes to and from them.
extension GroupCheck {
    mutating func checkShadows() {
        guard let shadows = definition.shadows else { return }
        if shadows.sync.count > ShadowSettings.mostRules {
            add(
                "shadows.sync",
                "\(shadows.sync.count) entries are too many; a group has at most \(ShadowSettings.mostRules), use "
                    + "PREFIX* or \"*\"")
        } else {
            for (index, rule) in shadows.sync.enumerated() {
                let path = "shadows.sync[\(index)]"
                checkPattern(rule.things, path: "\(path).things")
                checkInterval(rule.interval, path: "\(path).every")
                guard let first = shadows.sync[..<index].firstIndex(where: { $0.things.covers(rule.things) })
                else { continue }
                let earlier = shadows.sync[first].things
                add(
                    "\(path).things",
                    earlier == rule.things
                        ? "\"\(rule.things)\" is listed twice; remove one"
                        : "\"\(earlier)\" comes before and takes all that \"\(rule.things)\" means; put "
                            + "\"\(rule.things)\" first")
            }
        }
        guard let home = shadows.home else { return }
        if !definition.cores.contains(home) {
            let hint = hint(for: home, in: definition.cores, or: "name one of its cores, or add it to cores")
            add("shadows.home", "the core \"\(home)\" is not in the group; \(hint)")
        }
    }

    private mutating func checkInterval(_ interval: TimeSpan, path: String) {
        let allowed = ShadowSyncRule.intervals
        if interval.milliseconds == 0 || allowed.contains(interval) { return }
        add(
            path,
            "\(interval) is out of range; write \(allowed.lowerBound) to \(allowed.upperBound), or 0s for every "
                + "change at once, which is the default")
    }

    /// Whose shadows an instance may use.
    mutating func checkShadows(of instance: ComponentInstance, path: String) {
        if instance.shadows.count > ComponentInstance.Limits.shadows {
            add(
                path,
                "\(instance.shadows.count) entries are too many; an instance has at most "
                    + "\(ComponentInstance.Limits.shadows), use PREFIX* or \"*\"")
            return
        }
        var seen = Set<ThingPattern>()
        for (index, pattern) in instance.shadows.enumerated() {
            if !seen.insert(pattern).inserted {
                add("\(path)[\(index)]", "\"\(pattern)\" is listed twice; remove one")
            } else {
                checkPattern(pattern, path: "\(path)[\(index)]")
            }
        }
    }

    private mutating func checkPattern(_ pattern: ThingPattern, path: String) {
        if let problem = pattern.problem {
            add(path, "\"\(pattern.text.prefix(160))\" names no things: \(problem)")
        } else if let name = pattern.name, !members.contains(name) {
            let hint = hint(
                for: name, in: definition.things + definition.cores,
                or: "add it to things, or write \"*\" for all of them")
            add(path, "\"\(name)\" is no thing and no core of the group; \(hint)")
        }
    }

    // MARK: Routes

    /// The topics of routes to and from shadows, and shadows' own topics on other routes.
    mutating func checkShadowTopic(_ subscription: Subscription, _ filter: TopicFilter, path: String) {
        let isOwn = filter.levels.first == .literal(ShadowTopics.firstLevel)
        if subscription.from != .shadow, subscription.to != .shadow {
            // Where they come from components they are refused as every other reserved topic is.
            if isOwn, !subscription.from.isComponent {
                add(
                    "\(path).to",
                    "\"\(filter)\" is a topic of shadows, which answers requests and takes no other route; write "
                        + "to: shadow")
            }
            return
        }
        if subscription.to == .shadow, !filter.isReserved { return }
        guard let thing = ShadowTopics.thing(of: filter) else {
            add(
                "\(path).topic",
                "\"\(filter)\" is no topic of shadows; write \(ShadowTopics.example), or narrower"
                    + (subscription.to == .shadow ? ", or the topic of a reading that is to be reported" : "")
            )
            return
        }
        if subscription.to == .shadow { checkReach(of: subscription.from, thing, path: path) }
        guard case .literal(let name) = thing else { return }
        if !members.contains(name) {
            let hint = hint(for: name, in: definition.things + definition.cores, or: "add it to things")
            add("\(path).topic", "\"\(name)\" is no thing and no core of the group; \(hint)")
        } else if subscription.to == .shadow, let own = subscription.from.thingName, own != name {
            add(
                "\(path).topic",
                "a thing reaches its own shadows only, and \"\(filter)\" are those of \"\(name)\"; write "
                    + "\(ShadowTopics.prefix)\(own)/shadow/#")
        }
    }
}

extension GroupCheck {
    /// A program uses the shadows that its instance names, by whatever way it asks.
    private mutating func checkReach(of end: SubscriptionEnd, _ thing: TopicFilter.Level, path: String) {
        guard case .component(let name) = end,
            let instance = definition.components.first(where: { $0.name == name })
        else { return }
        if case .literal(let thing) = thing {
            if members.contains(thing), !instance.reachesShadows(of: thing) {
                add(
                    "\(path).topic",
                    "\(end) may not use the shadows of \"\(thing)\"; add shadows: [\(thing)] to it")
            }
        } else if instance.shadows.isEmpty {
            add("\(path).topic", "\(end) may use no shadows; add shadows: [THING] to it")
        }
    }
}

extension SubscriptionEnd {
    /// Whether it is an instance of a component.
    fileprivate var isComponent: Bool { if case .component = self { true } else { false } }

    /// The one thing that it is; nil for everything else.
    fileprivate var thingName: String? { if case .thing(let name) = self { name } else { nil } }
}
