import HedgerowAPI
import Logging
import Messaging
import Synchronization

/// The routes that are in force, with a bounded memory of answers.
final class Router: Sendable {
    /// Most remembered answers; at the bound all are forgotten.
    static let maximumCached = 4_096

    private struct Key: Hashable {
        let thing: String
        let topic: String
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
    func table(of revision: Hedgerow_Type_V1_GroupRevision?) -> RoutingTable {
        let known = state.withLock { $0.table }
        guard let revision else { return known.revision == 0 ? known : adopt(RoutingTable()) }
        if known.revision == revision.revision, known.group == revision.group { return known }
        do {
            return adopt(try RoutingTable(revision))
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
        let key = Key(thing: thing, topic: topic.description)
        let known = state.withLock { $0.table.isSame(as: table) ? $0.cache[key] : nil }
        if let known { return known }
        let route = table.route(from: thing, topic: topic)
        state.withLock { state in
            guard state.table.isSame(as: table) else { return }
            if state.cache.count >= Self.maximumCached { state.cache.removeAll(keepingCapacity: true) }
            state.cache[key] = route
        }
        return route
    }
}
