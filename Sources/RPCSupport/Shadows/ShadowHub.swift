public import ShadowStore
public import Shadows
import Synchronization

/// Wakes those who follow shadows. Who is woken reads what happened from the store, so that a slow one holds up nobody
/// and costs one flag; only refusals, which are stored nowhere, are handed over, within a bound.
public final class ShadowHub: Sendable {
    private struct State {
        var next = 0
        /// Those that follow some things, by thing.
        var byThing: [String: [Int: ShadowWatcher]] = [:]
        /// Those that follow everything.
        var all: [Int: ShadowWatcher] = [:]
    }

    private let state = Mutex(State())

    /// Makes a hub that nobody listens to.
    public init() {}

    /// Number of those who follow.
    public var count: Int {
        state.withLock { state in
            Set(state.all.keys).union(state.byThing.values.flatMap(\.keys)).count
        }
    }

    /// Follows; take it out with ``remove(_:)``.
    public func watch(_ scope: ShadowScope) -> ShadowWatcher {
        switch scope {
        case .all: add(things: nil) { _ in true }
        case .thing(let thing): add(things: [thing]) { _ in true }
        case .shadow(let key): add(things: [key.thing]) { $0 == key }
        }
    }

    /// Follows all shadows of some things; take it out with ``remove(_:)``.
    public func watch(things: Set<String>) -> ShadowWatcher { add(things: things) { _ in true } }

    private func add(
        things: Set<String>?, wants: @escaping @Sendable (ShadowKey) -> Bool
    ) -> ShadowWatcher {
        state.withLock { state in
            state.next += 1
            let watcher = ShadowWatcher(id: state.next, things: things, wants: wants)
            if let things {
                for thing in things { state.byThing[thing, default: [:]][watcher.id] = watcher }
            } else {
                state.all[watcher.id] = watcher
            }
            return watcher
        }
    }

    /// Takes one out.
    public func remove(_ watcher: ShadowWatcher) {
        state.withLock { state in
            guard let things = watcher.things else {
                state.all[watcher.id] = nil
                return
            }
            for thing in things {
                state.byThing[thing]?[watcher.id] = nil
                if state.byThing[thing]?.isEmpty == true { state.byThing[thing] = nil }
            }
        }
    }

    /// Shadows were changed, and the transaction is committed.
    public func changed(_ keys: some Sequence<ShadowKey>) {
        for key in keys { for watcher in watchers(of: key) { watcher.wake() } }
    }

    /// The same, for what a transaction applied.
    public func changed(_ applied: [AppliedShadow]) { changed(applied.lazy.map(\.key)) }

    /// A request was refused.
    ///
    /// - Parameter document: What the topic `rejected` carries.
    public func rejected(_ key: ShadowKey, document: String) {
        for watcher in watchers(of: key) { watcher.offer(key, document) }
    }

    private func watchers(of key: ShadowKey) -> [ShadowWatcher] {
        let found = state.withLock { state in
            Array(state.all.values) + (state.byThing[key.thing].map { Array($0.values) } ?? [])
        }
        return found.filter { $0.wants(key) }
    }
}
