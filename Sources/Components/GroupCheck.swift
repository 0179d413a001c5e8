import Identity
import Messaging

/// One pass over a definition.
struct GroupCheck {
    static let mostProblems = 200
    /// A suggestion compares with every name there is; more of them would make a bad definition expensive.
    static let mostSuggestions = 20

    let definition: GroupDefinition
    /// Where each instance publishes; nil where the recipes are not known.
    let outputs: [String: [PublishedTopic]]?
    let streams: [String: StreamSettings]
    /// Names of the instances.
    let instances: Set<String>
    /// Names of things and cores.
    let members: Set<String>
    private(set) var problems: [DefinitionProblem] = []
    private var suggestions = 0

    init(definition: GroupDefinition, outputs: [String: [PublishedTopic]]? = nil) {
        self.definition = definition
        self.outputs = outputs
        self.streams = definition.effectiveStreams
        self.instances = Set(definition.components.map(\.name))
        self.members = Set(definition.things + definition.cores)
    }

    mutating func run() {
        if let problem = nameProblem(definition.name) { add("name", "the group's \(problem)") }
        checkMembers()
        checkSelectors()
        checkComponents()
        checkStreams()
        checkShadows()
        checkSubscriptions()
        checkRotation()
        // Where there are too many, the graph of them is not worth its time.
        if definition.subscriptions.count <= GroupDefinition.Limits.subscriptions { checkFlow() }
    }

    mutating func add(_ path: String, _ message: String) {
        if problems.count < Self.mostProblems {
            problems.append(DefinitionProblem(path: path, message: message))
        }
    }

    /// "did you mean" where there is something near, else what to do.
    mutating func hint(for name: String, in names: some Sequence<String>, or advice: String) -> String {
        suggestions += 1
        if suggestions > Self.mostSuggestions { return advice }
        return Suggestion.nearest(to: name, in: names).map { "did you mean \"\($0)\"?" } ?? advice
    }

    func nameProblem(_ name: String) -> String? {
        do throws(InvalidName) {
            try EntityName.validate(name)
            return nil
        } catch {
            return error.description
        }
    }

    // MARK: Cores and things

    private mutating func checkMembers() {
        if definition.cores.isEmpty { add("cores", "a group needs at least one core; name it here") }
        checkNames(definition.cores, list: "cores", what: "core", limit: GroupDefinition.Limits.cores)
        checkNames(definition.things, list: "things", what: "thing", limit: GroupDefinition.Limits.things)
        let cores = Set(definition.cores)
        for (index, thing) in definition.things.enumerated() where cores.contains(thing) {
            add("things[\(index)]", "\"\(thing)\" is a core of this group; a core is not listed as a thing")
        }
    }

    private mutating func checkNames(_ names: [String], list: String, what: String, limit: Int) {
        if names.count > limit {
            add(list, "\(names.count) \(list) are too many; a group has at most \(limit)")
        }
        var seen = Set<String>()
        for (index, name) in names.enumerated() {
            let path = "\(list)[\(index)]"
            if let problem = nameProblem(name) {
                add(path, "the \(what)'s \(problem)")
            } else if !seen.insert(name).inserted {
                add(path, "the \(what) \"\(name)\" is listed twice; remove one")
            }
        }
    }

    // MARK: Subscriptions

    private mutating func checkSubscriptions() {
        let subscriptions = definition.subscriptions
        if subscriptions.count > GroupDefinition.Limits.subscriptions {
            add(
                "subscriptions",
                "\(subscriptions.count) subscriptions are too many; a group has at most "
                    + "\(GroupDefinition.Limits.subscriptions), use thing:* or thing:PREFIX*")
            return
        }
        let things = Set(definition.things)
        let cores = Set(definition.cores)
        var seen: [Subscription: Int] = [:]
        for (index, subscription) in subscriptions.enumerated() {
            if problems.count == Self.mostProblems { return }
            let path = "subscriptions[\(index)]"
            checkEnd(subscription.from, path: "\(path).from", things: things, cores: cores)
            checkEnd(subscription.to, path: "\(path).to", things: things, cores: cores)
            checkRoute(subscription, path: path)
            if let problem = TopicFilterRule.problem(with: subscription.topicFilter) {
                add("\(path).topic", problem)
            } else if let filter = try? TopicFilter(subscription.topicFilter) {
                checkReserved(subscription, filter, path: path)
                checkShadowTopic(subscription, filter, path: path)
            }
            if let first = seen[subscription.canonical] {
                add(path, "this subscription says the same as subscriptions[\(first)]; remove one")
            } else {
                seen[subscription.canonical] = index
            }
        }
    }

    private mutating func checkEnd(
        _ end: SubscriptionEnd, path: String, things: Set<String>, cores: Set<String>
    ) {
        switch end {
        case .thing(let name) where cores.contains(name):
            add(
                path,
                "\"\(name)\" is a core; messages come from and go to things, write thing:NAME of a thing")
        case .thing(let name) where !things.contains(name):
            let hint = hint(for: name, in: definition.things, or: "add it to things")
            add(path, "thing \"\(name)\" is not in the group; \(hint)")
        case .component(let name) where !instances.contains(name):
            let hint = hint(for: name, in: instances.sorted(), or: "add it to components")
            add(path, "component \"\(name)\" is not in the group; \(hint)")
        case .thing, .allThings, .things, .selected, .component, .cloud, .shadow, .stream: break
        }
    }

    private mutating func checkRoute(_ subscription: Subscription, path: String) {
        switch (subscription.from, subscription.to) {
        case (.cloud, .cloud):
            add(path, "from and to are both cloud; name a thing at one end")
        case (.cloud, .stream):
            add(path, "a stream goes to the cloud, where the message came from; name a thing in to")
        case (.cloud, .shadow):
            add(
                "\(path).from",
                "the cloud has shadows of its own; change them there (hedgerow shadow update), and say under shadows that "
                    + "they are synced")
        case (.shadow, .cloud), (.shadow, .stream):
            add(
                "\(path).to",
                "shadows reach the cloud by being synced; write shadows: {sync: [THING]}, or name a thing or a component "
                    + "in to")
        case (.shadow, .shadow):
            add(path, "from and to are both shadow; name a thing or a component at one end")
        case (.stream(let name), .thing), (.stream(let name), .allThings), (.stream(let name), .things),
            (.stream(let name), .selected):
            checkPublishes(name, path: "\(path).from")
        case (.stream, _):
            add(
                "\(path).to",
                "what a stream publishes on the core goes to things; write thing:NAME, or name a thing or a component "
                    + "in from")
        case (.cloud, .component):
            add(
                "\(path).from",
                "components take from things and from components in this version; name one of them in from")
        case (_, .stream(let name)):
            checkStream(name, path: "\(path).to")
        default: break
        }
        checkReachesCloud(subscription, path: path)
        guard let via = subscription.via else { return }
        if subscription.to != .cloud {
            add("\(path).via", "via goes with to: cloud only; remove it")
        } else {
            checkStream(via, path: "\(path).via")
        }
    }

    mutating func checkStream(_ name: String, path: String) {
        if streams[name] != nil { return }
        let hint = hint(for: name, in: streams.keys.sorted(), or: "describe it under streams")
        add(path, "there is no stream \"\(name)\"; \(hint)")
    }

    // MARK: Rotation

    private mutating func checkRotation() {
        guard let rotation = definition.caRotation else { return }
        let allowed = GroupDefinition.Limits.caRotation
        if !allowed.contains(rotation) {
            add(
                "caRotation",
                "\(rotation) is out of range; write \(allowed.lowerBound) to \(allowed.upperBound), 7d is the "
                    + "default")
        }
    }
}
