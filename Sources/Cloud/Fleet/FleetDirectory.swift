import Components
import FoundationEssentials
import Identity
import Synchronization

/// A route from the cloud to things of a group, as it is deployed.
struct CloudSubscription: Hashable, Sendable {
    /// Group that it is part of.
    var group: String
    /// Topic filter.
    var filter: String
    /// Names of the group's things that it leads to, sorted.
    var toThings: [String]
}

/// What the fleet looks like, in memory: for checks on every message and call. It is built from the database at
/// start, and every change of the database is told to it before the change is answered.
final class FleetDirectory: Sendable {
    /// A revision as the directory uses it; shared by all cores that run it.
    private final class Revision: Sendable {
        let id: RevisionID
        let things: Set<String>
        let subscriptions: [CloudSubscription]
        let rotation: Duration?

        init(_ record: RevisionRecord) {
            id = RevisionID(group: record.group, number: record.number)
            things = Set(record.definition.things)
            rotation = record.definition.caRotation?.duration
            let sorted = things.sorted()
            subscriptions = record.definition.subscriptions.compactMap { subscription in
                guard subscription.from == .cloud else { return nil }
                let targets = sorted.filter { subscription.to.matches(thing: $0) }
                guard !targets.isEmpty else { return nil }
                return CloudSubscription(
                    group: record.group, filter: subscription.topicFilter, toThings: targets)
            }
        }
    }

    private struct State {
        var things: [String: ThingKind] = [:]
        /// Group whose newest revision names a thing or core.
        var groups: [String: String] = [:]
        /// Number of each group's newest revision: news may arrive out of order.
        var newest: [String: UInt64] = [:]
        var cores: [String: Set<String>] = [:]
        var rotations: [String: Duration] = [:]
        /// Things of each group whose shadows its newest revision syncs.
        var synced: [String: Set<String>] = [:]
        /// The core of each group that syncs them.
        var homes: [String: String] = [:]
        var active: [String: Revision] = [:]
        var carried: [String: Set<String>] = [:]
        /// Newest deployed revision of each group.
        var deployed: [String: Revision] = [:]
        /// Sequence of that deployment, as far as known.
        var deployedSequence: [String: Int64] = [:]
        var subscriptions: [CloudSubscription]?
    }

    private let state: Mutex<State>

    /// Starts from what is stored.
    init(_ fleet: FleetRecord) {
        var state = State()
        state.things = fleet.things
        for revision in fleet.newest { Self.adopt(revision, in: &state) }
        var shared: [RevisionID: Revision] = [:]
        func share(_ record: RevisionRecord) -> Revision {
            let id = RevisionID(group: record.group, number: record.number)
            if let known = shared[id] { return known }
            let new = Revision(record)
            shared[id] = new
            return new
        }
        state.active = fleet.active.mapValues(share)
        state.deployed = fleet.deployed.mapValues(share)
        state.carried = fleet.carried
        self.state = Mutex(state)
    }

    // MARK: Questions

    /// Whether a thing or core of that name is registered.
    func isRegistered(thing: String) -> Bool { state.withLock { $0.things[thing] != nil } }

    /// What a name is registered as.
    func kind(of name: String) -> ThingKind? { state.withLock { $0.things[name] } }

    /// Whether a core may deliver messages of a thing: some revision that it has ever been given held the
    /// thing. It grows only, since a core may hold messages from long ago.
    func mayCarry(core: String, thing: String) -> Bool {
        state.withLock { $0.carried[core]?.contains(thing) ?? false }
    }

    /// The group whose newest revision names a thing (or core).
    func group(ofThing thing: String) -> String? { state.withLock { $0.groups[thing] } }

    /// Whether the newest revision of a thing's group says that its shadows are synced.
    func isShadowSynced(thing: String) -> Bool {
        state.withLock { state in
            state.groups[thing].flatMap { state.synced[$0] }?.contains(thing) ?? false
        }
    }

    /// Whether a core syncs the shadows of a group, as its newest revision says.
    func isShadowHome(_ core: String, in group: String) -> Bool {
        state.withLock { $0.homes[group] == core }
    }

    /// Whether the newest revision of a group names a core.
    func isCore(_ core: String, in group: String) -> Bool {
        state.withLock { $0.cores[group]?.contains(core) ?? false }
    }

    /// Cores that the newest revision of a group names, sorted.
    func cores(of group: String) -> [String] { state.withLock { $0.cores[group]?.sorted() ?? [] } }

    /// The revision that a core runs, nil where none.
    func activeRevision(of core: String) -> RevisionID? { state.withLock { $0.active[core]?.id } }

    /// The things of the revision that a core runs.
    func activeThings(of core: String) -> Set<String> { state.withLock { $0.active[core]?.things ?? [] } }

    /// Cores that run a revision with the thing, by group.
    func coresServing(thing: String) -> [String: [String]] {
        state.withLock { state in
            var found: [String: [String]] = [:]
            for (core, revision) in state.active where revision.things.contains(thing) {
                found[revision.id.group, default: []].append(core)
            }
            return found.mapValues { $0.sorted() }
        }
    }

    /// Deployed routes from the cloud to things: of every revision that a core runs, and of the newest
    /// deployment of each group, which is on its way.
    func cloudSubscriptions() -> [CloudSubscription] {
        state.withLock { state in
            if let known = state.subscriptions { return known }
            var seen: Set<CloudSubscription> = []
            var all: [CloudSubscription] = []
            let revisions = Array(state.deployed.values) + Array(state.active.values)
            var visited: Set<ObjectIdentifier> = []
            for revision in revisions where visited.insert(ObjectIdentifier(revision)).inserted {
                for subscription in revision.subscriptions where seen.insert(subscription).inserted {
                    all.append(subscription)
                }
            }
            state.subscriptions = all
            return all
        }
    }

    /// How often the group's CA is to be replaced, where its definition says so.
    func authorityRotation(of group: String) -> Duration? { state.withLock { $0.rotations[group] } }

    /// Whether an identity still exists: things and cores must be registered as such. Operators and apps
    /// exist by their certificates.
    func mayAct(_ principal: Principal) -> Bool {
        switch principal.role {
        case .thing, .core: kind(of: principal.name)?.role == principal.role
        case .operator, .app: true
        }
    }

    // MARK: Changes

    /// A thing or core was registered.
    func add(_ name: String, kind: ThingKind) { state.withLock { $0.things[name] = kind } }

    /// A thing or core was deleted. What it may carry stays: messages of its may still be on their way.
    func remove(_ name: String) {
        state.withLock { state in
            state.things[name] = nil
            if state.active.removeValue(forKey: name) != nil { state.subscriptions = nil }
        }
    }

    /// A group has a new newest revision.
    func adopt(_ newest: RevisionRecord) { state.withLock { Self.adopt(newest, in: &$0) } }

    private static func adopt(_ newest: RevisionRecord, in state: inout State) {
        guard newest.number >= state.newest[newest.group] ?? 0 else { return }
        state.newest[newest.group] = newest.number
        state.groups = state.groups.filter { $0.value != newest.group }
        for name in newest.definition.cores + newest.definition.things { state.groups[name] = newest.group }
        state.cores[newest.group] = Set(newest.definition.cores)
        state.rotations[newest.group] = newest.definition.caRotation?.duration
        state.synced[newest.group] = Set(newest.definition.shadowRules.keys)
        state.homes[newest.group] = newest.definition.shadowHome
    }

    /// A revision was deployed.
    ///
    /// - Parameter sequence: of the deployment; an older one than the last changes nothing.
    func deploy(_ record: RevisionRecord, sequence: Int64) {
        let revision = Revision(record)
        state.withLock { state in
            guard sequence > state.deployedSequence[record.group] ?? 0 else { return }
            state.deployedSequence[record.group] = sequence
            state.deployed[record.group] = revision
            state.subscriptions = nil
        }
    }

    /// A core was given a revision, and may run it from now on.
    func assign(_ record: RevisionRecord, to core: String) {
        state.withLock { $0.carried[core, default: []].formUnion(record.definition.things) }
    }

    /// A core runs a revision, or none.
    func activate(_ record: RevisionRecord?, on core: String) {
        let id = record.map { RevisionID(group: $0.group, number: $0.number) }
        let known = state.withLock { state in
            ([state.deployed[record?.group ?? ""]] + Array(state.active.values)).first { $0?.id == id } ?? nil
        }
        let revision = known ?? record.map(Revision.init)
        state.withLock { state in
            state.active[core] = revision
            state.subscriptions = nil
            if let revision { state.carried[core, default: []].formUnion(revision.things) }
        }
    }
}
