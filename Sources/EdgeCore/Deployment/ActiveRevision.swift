import Components
import Crypto
public import FoundationEssentials
public import GRDB
public import HedgerowAPI
import Logging
import SwiftProtobuf
import Synchronization

/// The group revision that this core runs, on disk and in memory.
///
/// Applying one is one transaction: interrupted at any instant, the core runs the old revision or the new one.
/// It also remembers every thing that any revision ever named, because the core goes on delivering what those
/// things had acknowledged after they left the group.
public final class ActiveRevision: Sendable {
    private struct State {
        var running: RunningRevision?
        var deploymentID = ""
        var things: Set<String> = []
        var everCarried: Set<String> = []
        var observers: [UInt64: AsyncStream<Hedgerow_Type_V1_GroupRevision>.Continuation] = [:]
        var nextObserver: UInt64 = 0
    }

    private let database: DatabasePool
    private let now: @Sendable () -> Date
    private let state: Mutex<State>

    /// Reads what is on disk, and compiles the recipes of the revision's components.
    ///
    /// A recipe that cannot be read back stops nothing else: its instance is there and fails on its messages, which
    /// become dead letters, until the cloud can be reached and the recipe is fetched again.
    ///
    /// - Throws: ``StateError`` `damaged` where the stored revision is not what was once written.
    public convenience init(
        database: DatabasePool, now: @escaping @Sendable () -> Date = { Date() }
    ) async throws {
        try await self.init(
            database: database, now: now, logger: Logger(label: "hedgerow") { _ in SwiftLogNoOpLogHandler() })
    }

    init(database: DatabasePool, now: @escaping @Sendable () -> Date, logger: Logger) async throws {
        self.database = database
        self.now = now
        let path = database.path
        self.state = Mutex(
            try await database.read { db in
                var state = State()
                state.everCarried = Set(try String.fetchAll(db, sql: "SELECT name FROM carried_thing"))
                let sql = "SELECT deployment_id, definition, digest FROM active_deployment WHERE id = 1"
                guard let row = try Row.fetchOne(db, sql: sql) else { return state }
                let revision = try Self.decode(row["definition"], digest: row["digest"], path: path)
                state.running = RunningRevision(
                    revision, components: try Self.components(db, of: revision, logger: logger))
                state.deploymentID = row["deployment_id"]
                state.things = Set(revision.things)
                return state
            })
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
        try await apply(StagedRevision(revision), deploymentID: deploymentID, alongside: alongside)
    }

    /// Makes a revision the one that runs, and its recipes those on disk. The recipes of the revision before stay as
    /// well, so that going back to it needs no cloud; all older ones are removed.
    ///
    /// - Parameters:
    ///   - staged: what to run.
    ///   - deploymentID: the deployment that brings it.
    ///   - alongside: further changes that must happen in the same transaction.
    /// - Returns: the things that the revision before had and this one has not.
    /// - Throws: what the database throws; then the revision before goes on.
    func apply(
        _ staged: StagedRevision, deploymentID: String,
        alongside: @escaping @Sendable (Database) throws -> Void = { _ in }
    ) async throws -> Set<String> {
        let revision = staged.revision
        let definition: Data = try revision.serializedBytes()
        let time = Int64(now().timeIntervalSince1970 * 1_000)
        let things = Set(revision.things)
        return try await database.write { db in
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO active_deployment
                        (id, deployment_id, group_name, revision, definition, digest, apply_time)
                    VALUES (1, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    deploymentID, revision.group, Int64(clamping: revision.revision), definition,
                    Self.digest(definition), time,
                ])
            let statement = try db.makeStatement(sql: "INSERT OR IGNORE INTO carried_thing (name) VALUES (?)")
            for thing in things { try statement.execute(arguments: [thing]) }
            for recipe in staged.recipes { try recipe.save(db) }
            // Where the revision that runs is only repaired, those of the one before it are still to be kept.
            if let before = self.current, before != revision {
                let lock = (try? RevisionCheck.lock(of: before)) ?? []
                try StoredRecipe.removeAll(
                    db, except: Set(staged.recipes.map(\.key)).union(lock.map(StoredRecipe.Key.init)))
            }
            try alongside(db)
            // On the writer, in the order of the commits: memory can never run ahead of the disk or behind it.
            db.afterNextTransaction { _ in self.adopt(staged, deploymentID: deploymentID, things: things) }
            return self.state.withLock { $0.things.subtracting(things) }
        }
    }

    private func adopt(_ staged: StagedRevision, deploymentID: String, things: Set<String>) {
        let observers = state.withLock { state in
            state.running = RunningRevision(
                staged.revision, components: staged.components, number: (state.running?.number ?? 0) + 1)
            state.deploymentID = deploymentID
            state.things = things
            state.everCarried.formUnion(things)
            return Array(state.observers.values)
        }
        for observer in observers { observer.yield(staged.revision) }
    }

    /// The components of the stored revision.
    private static func components(
        _ db: Database, of revision: Hedgerow_Type_V1_GroupRevision, logger: Logger
    ) throws -> [RunningComponent] {
        let lock: [LockedComponent]
        do {
            lock = try RevisionCheck.lock(of: revision)
        } catch {
            // It was checked before it was stored, and its digest is right: a core of an older version reads it.
            logger.error(
                "the stored lock cannot be read; no component runs", metadata: ["error.message": "\(error)"])
            return []
        }
        var compiler = RecipeCompiler()
        return lock.map { locked in
            do throws(RecipeCompiler.Problem) {
                guard let text = try Self.text(db, locked) else {
                    throw RecipeCompiler.Problem(description: "its recipe is missing on this core's disk")
                }
                return try compiler.compile(locked, text: text)
            } catch {
                logger.error(
                    """
                    a component cannot run: its messages become dead letters until the cloud can be reached and the \
                    recipe is fetched again
                    """,
                    metadata: [
                        "component.instance": "\(locked.instance)", "component.name": "\(locked.component)",
                        "component.version": "\(locked.version)", "error.message": "\(error)",
                    ])
                return RunningComponent(
                    locked, state: .unusable("\(locked.component) \(locked.version) cannot run: \(error)"))
            }
        }
    }

    private static func text(
        _ db: Database, _ locked: LockedComponent
    ) throws(RecipeCompiler.Problem) -> String? {
        do {
            return try StoredRecipe.text(db, StoredRecipe.Key(locked))
        } catch {
            throw RecipeCompiler.Problem(
                description: "its recipe cannot be read from this core's disk: \(error)")
        }
    }

    private static func digest(_ bytes: Data) -> Data { Data(SHA256.hash(data: bytes)) }

    private static func decode(
        _ definition: Data, digest: Data, path: String
    ) throws -> Hedgerow_Type_V1_GroupRevision {
        guard Self.digest(definition) == digest,
            let revision = try? Hedgerow_Type_V1_GroupRevision(serializedBytes: definition)
        else {
            throw StateError(
                .damaged, path: path,
                "the deployment stored in \(path) is damaged (its checksum is wrong); restore the state directory "
                    + "from a backup, or move it away and enrol this core anew with a new token")
        }
        return revision
    }
}
