/// Selectors: which things they stand for when a revision is made.
extension GroupDefinition {
    /// A registered thing that selectors may take.
    public struct Candidate: Hashable, Sendable {
        /// What selectors look at.
        public var facts: ThingFacts
        /// The group whose newest revision names it; nil where none does.
        public var group: String?

        /// Makes a candidate.
        public init(facts: ThingFacts, group: String? = nil) {
            self.facts = facts
            self.group = group
        }
    }

    /// What became of the selectors of a definition.
    public struct Resolution: Hashable, Sendable {
        /// The definition with names in the place of selectors.
        public var definition: GroupDefinition
        /// Limits that were passed.
        public var problems: [DefinitionProblem] = []
        /// What is allowed and yet probably not meant, for people.
        public var warnings: [String] = []
    }

    /// Whether a selector is to be resolved.
    public var usesSelectors: Bool {
        !selectors.isEmpty || subscriptions.contains { $0.from.isSelector || $0.to.isSelector }
    }

    /// What the operator wrote: with selectors in the place of what they were resolved to.
    public var asWritten: GroupDefinition {
        guard let written else { return self }
        var copy = self
        copy.things = written.things
        copy.selectors = written.selectors
        copy.subscriptions = written.subscriptions
        copy.written = nil
        return copy
    }

    /// Most things that a warning names.
    private static let mostNamed = 5

    /// Puts names in the place of selectors. A definition without selectors stays as it is.
    ///
    /// A selector under `things` takes every thing that it matches and that is in no other group. One in a subscription
    /// stands for the things of this group that it matches; a thing is not routed to itself, and what another
    /// subscription says already is not said twice.
    ///
    /// - Parameter candidates: all registered things.
    public func resolvingSelectors(among candidates: [Candidate]) -> Resolution {
        guard usesSelectors else { return Resolution(definition: self) }
        var result = Resolution(definition: self)
        result.definition.written = WrittenGroup(
            things: things, selectors: selectors, subscriptions: subscriptions)
        result.definition.selectors = []
        let members = takeThings(among: candidates, into: &result)
        routeThings(members, into: &result)
        return result
    }

    private func takeThings(among candidates: [Candidate], into result: inout Resolution) -> [ThingFacts] {
        var names = Set(things)
        var selected: [String] = []
        for selector in selectors {
            let matching = candidates.filter { selector.matches($0.facts) }
            let elsewhere = matching.filter { $0.group.map { $0 != name } ?? false }
            if !elsewhere.isEmpty {
                let some = elsewhere.prefix(Self.mostNamed).map { "\($0.facts.name) (\($0.group ?? ""))" }
                let more = elsewhere.count > some.count ? " and \(elsewhere.count - some.count) more" : ""
                result.warnings.append(
                    "the selector \"\(selector)\" matches things of other groups, which stay there: "
                        + some.joined(separator: ", ") + more)
            }
            if matching.count == elsewhere.count {
                result.warnings.append("the selector \"\(selector)\" in things takes no thing")
            }
            for candidate in matching where candidate.group == nil || candidate.group == name {
                if names.insert(candidate.facts.name).inserted { selected.append(candidate.facts.name) }
            }
        }
        result.definition.things = things + selected.sorted()
        if names.count > Limits.things {
            result.problems.append(
                DefinitionProblem(
                    path: "things",
                    message:
                        "with those of the selectors there are \(names.count) things; a group has at most "
                        + "\(Limits.things), select fewer"))
        }
        return candidates.map(\.facts).filter { names.contains($0.name) }
    }

    private func routeThings(_ members: [ThingFacts], into result: inout Resolution) {
        var known: [ThingSelector: [SubscriptionEnd]] = [:]
        func ends(_ end: SubscriptionEnd) -> [SubscriptionEnd] {
            guard case .selected(let selector) = end else { return [end] }
            if let ends = known[selector] { return ends }
            let ends = members.filter(selector.matches).map(\.name).sorted().map(SubscriptionEnd.thing)
            if ends.isEmpty {
                result.warnings.append(
                    "\(end) in subscriptions matches no thing of the group; nothing flows there")
            }
            known[selector] = ends
            return ends
        }
        var total = 0
        var largest = (index: 0, count: 0)
        for (index, route) in subscriptions.enumerated() {
            let count = ends(route.from).count * ends(route.to).count
            total += count
            if count > largest.count { largest = (index, count) }
        }
        if total > Limits.subscriptions {
            result.problems.append(
                DefinitionProblem(
                    path: "subscriptions",
                    message: "the selectors make \(total) subscriptions of these \(subscriptions.count), "
                        + "\(largest.count) of subscriptions[\(largest.index)] alone; a group has at most "
                        + "\(Limits.subscriptions), use thing:* or thing:PREFIX*, or select fewer"))
            return
        }
        var seen = Set<Subscription>()
        var routes: [Subscription] = []
        for route in subscriptions {
            let isSelecting = route.from.isSelector || route.to.isSelector
            for from in ends(route.from) {
                for to in ends(route.to) where !(isSelecting && from == to) {
                    let single = Subscription(
                        from: from, topicFilter: route.topicFilter, to: to, via: route.via)
                    if seen.insert(single.canonical).inserted { routes.append(single) }
                }
            }
        }
        result.definition.subscriptions = routes
    }
}

extension SubscriptionEnd {
    /// Whether a selector is to be resolved.
    fileprivate var isSelector: Bool { if case .selected = self { true } else { false } }
}

extension GroupCheck {
    mutating func checkSelectors() {
        let selectors = definition.selectors
        if selectors.count > GroupDefinition.Limits.selectors {
            add(
                "things",
                "\(selectors.count) selectors are too many; a group has at most "
                    + "\(GroupDefinition.Limits.selectors)")
        }
        var seen = Set<ThingSelector>()
        for (index, selector) in selectors.enumerated() where !seen.insert(selector.canonical).inserted {
            add("selectors[\(index)]", "the selector \"\(selector)\" is listed twice; remove one")
        }
    }
}
