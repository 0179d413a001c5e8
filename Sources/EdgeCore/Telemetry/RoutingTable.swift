import Components
import HedgerowAPI
import Messaging
import StreamStore

/// The routes of one group revision, made once and then only read: a topic trie per origin.
struct RoutingTable: Sendable {
    private enum Target: Sendable {
        case stream(String)
        case thing(String)
        /// Every thing of the group that the end matches, except the publisher.
        case things([String])
    }

    /// Number of the revision, 0 where none runs.
    let revision: UInt64
    /// Name of its group, empty where none runs.
    let group: String
    private var exact: [String: TopicTrie<Target>] = [:]
    private var wildcards: [(end: SubscriptionEnd, trie: TopicTrie<Target>)] = []
    private var limits: [String: StreamLimits] = [:]

    /// Routes nothing.
    init() {
        revision = 0
        group = ""
    }

    /// Makes the table of a revision; what does not parse was refused before it became one.
    init(_ group: Hedgerow_Type_V1_GroupRevision) throws {
        revision = group.revision
        self.group = group.group
        let definition = try GroupDefinition(group)
        for subscription in definition.subscriptions {
            guard let target = Self.target(of: subscription, things: definition.things) else { continue }
            let filter = try TopicFilter(subscription.topicFilter)
            switch subscription.from {
            case .thing(let name):
                exact[name, default: TopicTrie()].insert(target, under: filter)
            case .allThings, .things:
                if let index = wildcards.firstIndex(where: { $0.end == subscription.from }) {
                    wildcards[index].trie.insert(target, under: filter)
                } else {
                    var trie = TopicTrie<Target>()
                    trie.insert(target, under: filter)
                    wildcards.append((subscription.from, trie))
                }
            case .cloud, .component, .shadow, .stream:
                // The cloud routes what it sends down itself.
                continue
            }
        }
        for (name, settings) in definition.streams {
            limits[name] = StreamLimits(
                maximumBytes: Int64(clamping: settings.maxSize.bytes),
                overwritesOldest: settings.onFull == .overwriteOldest)
        }
    }

    /// Whether another table is that of the same revision.
    func isSame(as other: RoutingTable) -> Bool { revision == other.revision && group == other.group }

    /// Names of the streams that the revision has.
    var streamNames: Set<String> { Set(limits.keys).union([StreamSettings.defaultName]) }

    /// How much a stream holds.
    func limits(of stream: String) -> StreamLimits {
        if let known = limits[stream] { return known }
        let standard = StreamSettings()
        return StreamLimits(maximumBytes: Int64(clamping: standard.maxSize.bytes), overwritesOldest: true)
    }

    /// Where a thing's message on a topic goes.
    func route(from thing: String, topic: Topic) -> Route {
        var targets = exact[thing]?.values(matching: topic) ?? []
        for (end, trie) in wildcards where end.matches(thing: thing) {
            targets.append(contentsOf: trie.values(matching: topic))
        }
        var route = Route()
        for target in targets {
            switch target {
            case .stream(let name):
                if !route.streams.contains(name) { route.streams.append(name) }
            case .thing(let name):
                if !route.things.contains(name) { route.things.append(name) }
            case .things(let names):
                for name in names where name != thing && !route.things.contains(name) {
                    route.things.append(name)
                }
            }
        }
        return route
    }

    private static func target(of subscription: Subscription, things: [String]) -> Target? {
        switch subscription.to {
        case .cloud: .stream(subscription.via ?? StreamSettings.defaultName)
        case .stream(let name): .stream(name)
        case .thing(let name): .thing(name)
        case .allThings, .things: .things(things.filter { subscription.to.matches(thing: $0) }.sorted())
        case .component, .shadow: nil
        }
    }
}
