/// The routes from component instance to component instance, as a graph.
///
/// At most 256 instances and 65,536 distinct routes between them, so each question below is answered in
/// bounded time.
struct ComponentGraph {
    /// An instance on a path, and the route (index into the subscriptions) by which the path leaves it.
    struct Step: Hashable {
        let instance: String
        let subscription: Int
    }

    private let names: [String]
    /// By instance: the instances that it sends to, ascending, each with the first route that does.
    private let edges: [[(to: Int, subscription: Int)]]

    /// Makes the graph of a definition.
    ///
    /// - Parameter carries: whether anything may come along a route from an instance.
    init(definition: GroupDefinition, carries: (Subscription, _ instance: String) -> Bool) {
        var names: [String] = []
        var indices: [String: Int] = [:]
        for instance in definition.components where indices[instance.name] == nil {
            indices[instance.name] = names.count
            names.append(instance.name)
        }
        var edges = [[Int: Int]](repeating: [:], count: names.count)
        for (index, subscription) in definition.subscriptions.enumerated() {
            guard case .component(let from) = subscription.from, case .component(let to) = subscription.to,
                let source = indices[from], let target = indices[to], edges[source][target] == nil,
                carries(subscription, from)
            else { continue }
            edges[source][target] = index
        }
        self.names = names
        self.edges = edges.map { targets in
            targets.sorted { $0.key < $1.key }.map { (to: $0.key, subscription: $0.value) }
        }
    }

    /// Loops: for each instance that lies on one and on none that was found before, the shortest through it.
    /// The last step leads back to the first.
    func loops() -> [[Step]] {
        var loops: [[Step]] = []
        var known = Set<Int>()
        for start in names.indices where !known.contains(start) {
            guard let loop = shortestLoop(through: start) else { continue }
            known.formUnion(loop.map(\.node))
            loops.append(
                loop.map { Step(instance: names[$0.node], subscription: $0.subscription) })
        }
        return loops
    }

    private func shortestLoop(through start: Int) -> [(node: Int, subscription: Int)]? {
        // Breadth first; `before` says by which step a node was reached.
        var before: [Int: (node: Int, subscription: Int)] = [:]
        var queue = [start]
        var next = 0
        while next < queue.count {
            let node = queue[next]
            next += 1
            for edge in edges[node] {
                if edge.to == start {
                    var path = [(node: node, subscription: edge.subscription)]
                    while let step = before[path[path.count - 1].node] { path.append(step) }
                    return path.reversed()
                }
                if before[edge.to] == nil {
                    before[edge.to] = (node, edge.subscription)
                    queue.append(edge.to)
                }
            }
        }
        return nil
    }

    /// The longest chain of instances; nil where there are none, or where a loop makes it endless. The route
    /// of its last step means nothing.
    func longestChain() -> [Step]? {
        guard let order = topologicalOrder() else { return nil }
        // From the ends backwards: how many instances follow, and by which route.
        var length = [Int](repeating: 1, count: names.count)
        var best = [(to: Int, subscription: Int)?](repeating: nil, count: names.count)
        for node in order.reversed() {
            for edge in edges[node] where length[edge.to] + 1 > length[node] {
                length[node] = length[edge.to] + 1
                best[node] = edge
            }
        }
        guard var node = names.indices.max(by: { length[$0] < length[$1] }) else { return nil }
        var chain: [Step] = []
        while let edge = best[node] {
            chain.append(Step(instance: names[node], subscription: edge.subscription))
            node = edge.to
        }
        return chain + [Step(instance: names[node], subscription: -1)]
    }

    /// The instances so that every route leads forward; nil where there is a loop.
    private func topologicalOrder() -> [Int]? {
        var incoming = [Int](repeating: 0, count: names.count)
        for targets in edges {
            for edge in targets { incoming[edge.to] += 1 }
        }
        var order = names.indices.filter { incoming[$0] == 0 }
        var next = 0
        while next < order.count {
            for edge in edges[order[next]] {
                incoming[edge.to] -= 1
                if incoming[edge.to] == 0 { order.append(edge.to) }
            }
            next += 1
        }
        return order.count == names.count ? order : nil
    }
}
