import Components
public import FoundationEssentials
public import GRDB
public import HedgerowAPI
import Logging
import Synchronization

/// The group revision that this core runs, on disk and in memory.
///
/// Applying one is one transaction: interrupted at any instant, the core runs the old revision or the new one.
/// The last revision that settled is kept beside it with its recipes, so that going back to it needs no cloud; it also
/// takes over where the row of the one that should run is damaged (lesson 1).
/// It also remembers every thing that any revision ever named, because the core goes on delivering what those
/// things had acknowledged after they left the group.
public final class ActiveRevision: Sendable {
    struct State {
        var running: RunningRevision?
        var deploymentID = ""
        /// Whether nobody watches it any more.
        var isSettled = true
        /// The last one that settled before the one that runs.
        var previous: StoredRevision?
        /// Why what runs is not the newest that was deployed here; nil where it is.
        var damage: String?
        var things: Set<String> = []
        var everCarried: Set<String> = []
        var observers: [UInt64: AsyncStream<Hedgerow_Type_V1_GroupRevision>.Continuation] = [:]
        var nextObserver: UInt64 = 0
    }

    let database: DatabasePool
    let now: @Sendable () -> Date
    let logger: Logger
    let state: Mutex<State>

    /// Reads what is on disk, and compiles the recipes of the revision's components.
    ///
    /// A recipe that cannot be read back stops nothing else: its instance is there and fails on its messages, which
    /// become dead letters, until the cloud can be reached and the recipe is fetched again. Where the revision itself
    /// cannot be read back, the last settled one runs; where that cannot be read either, none does, and what things
    /// bring waits with them. The cloud sends the newest again, because the core says what it runs.
    public convenience init(
        database: DatabasePool, now: @escaping @Sendable () -> Date = { Date() }
    ) async throws {
        try await self.init(
            database: database, now: now, logger: Logger(label: "hedgerow") { _ in SwiftLogNoOpLogHandler() })
    }

    init(database: DatabasePool, now: @escaping @Sendable () -> Date, logger: Logger) async throws {
        self.database = database
        self.now = now
        self.logger = logger
        self.state = Mutex(try await database.read { try Self.load($0, logger: logger) })
    }

    /// The revision that runs; nil where none was ever deployed.
    public var current: Hedgerow_Type_V1_GroupRevision? { running?.revision }

    /// The revision that runs with its compiled components; nil where none was ever deployed.
    var running: RunningRevision? { state.withLock { $0.running } }

    /// The deployment that brought the revision; empty where there is none.
    public var deploymentID: String { state.withLock { $0.deploymentID } }

    /// Whether the revision that runs has the thing.
    public func carries(thing: String) -> Bool { state.withLock { $0.things.contains(thing) } }

    /// Whether the revision that runs, or any one before it on this core, had the thing.
    public func everCarried(thing: String) -> Bool { state.withLock { $0.everCarried.contains(thing) } }

    /// The revision that runs now, where there is one, and each one after it. A slow reader gets the newest and
    /// misses those between.
    public func changes() -> AsyncStream<Hedgerow_Type_V1_GroupRevision> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Hedgerow_Type_V1_GroupRevision.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextObserver += 1
            state.observers[state.nextObserver] = continuation
            if let running = state.running { continuation.yield(running.revision) }
            return state.nextObserver
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.observers.removeValue(forKey: id) }
        }
        return stream
    }

    /// The last settled revision before the one that runs; nil where there is none.
    var previous: Hedgerow_Type_V1_GroupRevision? { state.withLock { $0.previous?.revision } }

    /// Whether what runs has settled.
    var isSettled: Bool { state.withLock { $0.isSettled } }

    /// What the cloud may count on: what runs once it has settled, until then the one before it.
    var settled: Hedgerow_Type_V1_GroupRevision? {
        state.withLock { $0.isSettled ? $0.running?.revision : $0.previous?.revision }
    }

    /// Why what runs is not the newest that was deployed here, one sentence; nil where it is.
    var damage: String? { state.withLock { $0.damage } }

    /// Makes a revision without components the one that runs. The caller has checked it (``RevisionCheck``).
    ///
    /// - Parameters:
    ///   - revision: what to run.
    ///   - deploymentID: the deployment that brings it.
    ///   - alongside: further changes that must happen in the same transaction.
    /// - Returns: the things that the revision before had and this one has not.
    /// - Throws: what the database throws; then the revision before goes on.
    @discardableResult
    public func apply(
        _ revision: Hedgerow_Type_V1_GroupRevision, deploymentID: String,
        alongside: @escaping @Sendable (Database) throws -> Void = { _ in }
    ) async throws -> Set<String> {
        let removed = things.subtracting(revision.things)
        let change = try switching(
            to: StagedRevision(revision), deploymentID: deploymentID, isSettled: true, alongside: alongside)
        try await database.write(change)
        return removed
    }

    /// The things of the revision that runs.
    var things: Set<String> { state.withLock { $0.things } }

    /// Takes the place of what runs, in memory. On the writer, in the order of the commits: memory can never run ahead of
    /// the disk or behind it.
    func adopt(_ staged: StagedRevision, change: (inout State) -> Void) {
        let observers = state.withLock { state in
            change(&state)
            state.running = RunningRevision(
                staged.revision, components: staged.components, number: (state.running?.number ?? 0) + 1,
                after: state.running)
            state.things = Set(staged.revision.things)
            state.everCarried.formUnion(state.things)
            return Array(state.observers.values)
        }
        for observer in observers { observer.yield(staged.revision) }
    }

    /// Runs the same revision with recipes that were damaged and are there again.
    func repair(_ staged: StagedRevision) {
        guard current == staged.revision else { return }
        adopt(staged) { _ in }
    }
}
