import Components
import HedgerowAPI
import Messaging
import StreamStore

/// The routes of a running revision, made once and then only read: a topic trie per origin, and the compiled
/// components that they lead through.
struct RoutingTable: Sendable {
    private enum Target: Sendable {
        case stream(String)
        case thing(String)
        /// Every thing of the group that the end matches, except the publisher.
        case things([String])
        case component(String)
        case shadow
    }

    private let running: RunningRevision?
    private var exact: [String: TopicTrie<Target>] = [:]
    private var wildcards: [(end: SubscriptionEnd, trie: TopicTrie<Target>)] = []
    private var fromComponents: [String: TopicTrie<Target>] = [:]
    /// What leads on from a stream's exports to topics.
    private var fromStreams: [String: TopicTrie<Target>] = [:]
    /// What takes the answers and events of shadows.
    private var fromShadows = TopicTrie<Target>()
    /// Instances from which a route leads to a stream that goes to the cloud.
    private var streaming: Set<String> = []
    /// Streams that routes lead to from each instance.
    private var streamsOfComponents: [String: Set<String>] = [:]
    private var limits: [String: StreamLimits] = [:]
    private var settings: [String: StreamSettings] = [:]

    /// Number of the revision, 0 where none runs.
    var revision: UInt64 { running?.revision.revision ?? 0 }
    /// Name of its group, empty where none runs.
    var group: String { running?.revision.group ?? "" }
    /// Which running revision it is of; 0 where none runs.
    var generation: UInt64 { running?.number ?? 0 }

    /// Routes nothing.
    init() { running = nil }

    /// Makes the table of a revision without components.
    init(_ group: Hedgerow_Type_V1_GroupRevision) throws { try self.init(RunningRevision(group)) }

    /// Makes the table of a revision; what does not parse was refused before it became one.
    init(_ running: RunningRevision) throws {
        self.running = running
        let definition = try GroupDefinition(running.revision)
        settings = definition.streams
        shadows = ShadowPlan(definition)
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
            case .component(let instance):
                fromComponents[instance, default: TopicTrie()].insert(target, under: filter)
                guard case .stream(let stream) = target else { continue }
                streamsOfComponents[instance, default: []].insert(stream)
                if settings(of: stream).reachesCloud { streaming.insert(instance) }
            case .stream(let name):
                fromStreams[name, default: TopicTrie()].insert(target, under: filter)
            case .shadow:
                fromShadows.insert(target, under: filter)
                hasShadowRoutes = true
            case .cloud, .selected:
                // The cloud routes what it sends down itself, and has resolved selectors to names.
                continue
            }
        }
        streamNames.formUnion(definition.streams.keys)
        hasStreamsInMemory = definition.streams.values.contains { $0.persistence == .memory }
        for (name, settings) in definition.streams {
            limits[name] = StreamLimits(
                maximumBytes: Int64(clamping: settings.maxSize.bytes),
                overwritesOldest: settings.onFull == .overwriteOldest)
        }
    }

    /// Whether another table is that of the same running revision.
    func isSame(as other: RoutingTable) -> Bool { running === other.running }

    /// Whether it is the table of a running revision.
    func isTable(of other: RunningRevision?) -> Bool { running === other }

    /// Names of the streams that the revision has.
    private(set) var streamNames: Set<String> = [StreamSettings.defaultName]

    /// How much a stream holds.
    func limits(of stream: String) -> StreamLimits {
        if let known = limits[stream] { return known }
        let standard = StreamSettings()
        return StreamLimits(maximumBytes: Int64(clamping: standard.maxSize.bytes), overwritesOldest: true)
    }

    /// The parameters of a stream as the revision has them; the defaults for one that it does not have.
    func settings(of stream: String) -> StreamSettings { settings[stream] ?? StreamSettings() }

    /// Whether any stream is in memory.
    private(set) var hasStreamsInMemory = false

    /// The stream that carries accounts of messages that do not travel themselves: `default`, unless that is in memory
    /// or does not go to the cloud.
    var accountStream: String {
        let settings = settings(of: StreamSettings.defaultName)
        return settings.persistence == .disk && settings.reachesCloud
            ? StreamSettings.defaultName : Self.accountsOnly
    }

    /// Carries nothing but accounts, where `default` cannot.
    static let accountsOnly = ".accounts"

    // MARK: Components

    /// A component instance of the revision.
    func component(_ instance: String) -> RunningComponent? { running?.components[instance] }

    /// Whether a route leads from an instance to a stream that goes to the cloud, on any topic.
    func reachesStreams(component instance: String) -> Bool { streaming.contains(instance) }

    /// Whether a route leads from an instance to a stream, on any topic.
    func leads(component instance: String, toStream stream: String) -> Bool {
        streamsOfComponents[instance]?.contains(stream) == true
    }

    /// Whether every instance on the way to an output runs here.
    func derives(_ output: DerivedOutput) -> Bool {
        guard let components = running?.components else { return false }
        return output.instances.allSatisfy { components[String($0)] != nil }
    }

    /// Whether messages wait for a program on the way to an output, so that it comes after others of the same thing.
    func waits(_ output: DerivedOutput) -> Bool {
        // One whose recipe cannot be read may be a program.
        output.instances.contains { name in
            guard let component = running?.components[String(name)] else { return false }
            return component.process != nil || component.problem != nil
        }
    }

    // MARK: Routes

    /// Where a thing's message on a topic goes.
    func route(from thing: String, topic: Topic) -> Route {
        var targets = exact[thing]?.values(matching: topic) ?? []
        for (end, trie) in wildcards where end.matches(thing: thing) {
            targets.append(contentsOf: trie.values(matching: topic))
        }
        return route(to: targets, publisher: thing)
    }

    /// Where what a component instance publishes on a topic goes.
    func route(fromComponent instance: String, topic: Topic) -> Route {
        route(to: fromComponents[instance]?.values(matching: topic) ?? [], publisher: nil)
    }

    /// Where a message goes that a stream's export publishes on a topic; only things take such messages.
    func route(fromStream stream: String, topic: Topic) -> Route {
        route(to: fromStreams[stream]?.values(matching: topic) ?? [], publisher: nil)
    }

    /// Whether anybody takes what shadows answer.
    private(set) var hasShadowRoutes = false

    /// Which shadows are synced, and where.
    private(set) var shadows = ShadowPlan()

    /// Where an answer or event of a shadow goes on its reserved topic; things and components take such messages.
    func route(fromShadow topic: Topic) -> Route {
        route(to: fromShadows.values(matching: topic), publisher: nil)
    }

    private func route(to targets: [Target], publisher: String?) -> Route {
        var route = Route()
        for target in targets {
            switch target {
            case .stream(let name):
                guard !route.streams.contains(name) else { continue }
                route.streams.append(name)
                if route.cloudStream == nil, settings(of: name).reachesCloud { route.cloudStream = name }
            case .thing(let name):
                if !route.things.contains(name) { route.things.append(name) }
            case .things(let names):
                for name in names where name != publisher && !route.things.contains(name) {
                    route.things.append(name)
                }
            case .component(let name):
                if !route.components.contains(name) { route.components.append(name) }
            case .shadow: route.shadow = true
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
        case .component(let instance): .component(instance)
        case .shadow: .shadow
        case .selected: nil
        }
    }
}
