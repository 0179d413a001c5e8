import HedgerowAPI
import Logging
import Messaging
import Synchronization

/// The routes that are in force, with a bounded memory of answers.
final class Router: Sendable {
    /// Most remembered answers; at the bound all are forgotten.
    static let maximumCached = 4_096

    private enum Key: Hashable {
        case thing(String, topic: String)
        case component(String, topic: String)
    }

    private struct State {
        var table = RoutingTable()
        var cache: [Key: Route] = [:]
    }

    private let state = Mutex(State())

    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// The table of the revision that runs, made when it is first asked for. A batch keeps the one that it was
    /// taken with.
    func table(of running: RunningRevision?) -> RoutingTable {
        let known = state.withLock { $0.table }
        if known.isTable(of: running) { return known }
        guard let running else { return adopt(RoutingTable()) }
        do {
            return adopt(try RoutingTable(running))
        } catch {
            // It was checked before it was applied; whatever slipped through routes nothing.
            logger.error("revision cannot be routed", metadata: ["error.message": "\(error)"])
            return adopt(RoutingTable())
        }
    }

    private func adopt(_ table: RoutingTable) -> RoutingTable {
        state.withLock { state in
            state.table = table
            state.cache.removeAll(keepingCapacity: true)
        }
        return table
    }

    /// Where a thing's message on a topic goes, by a table that was taken from here.
    func route(from thing: String, topic: Topic, by table: RoutingTable) -> Route {
        cached(.thing(thing, topic: topic.description), by: table) { table.route(from: thing, topic: topic) }
    }

    /// Where what a component instance publishes on a topic goes, by a table that was taken from here.
    func route(fromComponent instance: String, topic: Topic, by table: RoutingTable) -> Route {
        cached(.component(instance, topic: topic.description), by: table) {
            table.route(fromComponent: instance, topic: topic)
        }
    }

    private func cached(_ key: Key, by table: RoutingTable, _ find: () -> Route) -> Route {
        let known = state.withLock { $0.table.isSame(as: table) ? $0.cache[key] : nil }
        if let known { return known }
        let route = find()
        state.withLock { state in
            guard state.table.isSame(as: table) else { return }
            if state.cache.count >= Self.maximumCached { state.cache.removeAll(keepingCapacity: true) }
            state.cache[key] = route
        }
        return route
    }
}
