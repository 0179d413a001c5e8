import Components
import FoundationEssentials
import GRDB
import HedgerowAPI
import Logging
import Synchronization

// Reading what is on disk, and the transactions that change it.

extension ActiveRevision {
    /// There is no revision to go back to, one sentence.
    struct NoWayBack: Error, CustomStringConvertible {
        let description: String
    }

    // MARK: Reading

    static func load(_ db: Database, logger: Logger) throws -> State {
        var state = State()
        state.everCarried = Set(try String.fetchAll(db, sql: "SELECT name FROM carried_thing"))
        let active = try StoredRevision.find(db, at: .active)
        let previous = try StoredRevision.find(db, at: .previous)
        if case .damaged = previous {
            logger.error(
                "the stored revision before the one that runs is damaged; there is none to go back to")
        }
        state.previous = previous.revision
        var running = active.revision
        switch (active, previous.revision) {
        case (.intact, _): break
        case (.nothing, nil): return state
        case (_, let before?):
            running = before
            state.damage =
                "the stored deployment is damaged; the core runs revision \(before.revision.revision), the last one that "
                + "settled before it, until the cloud sends the newest"
            logger.error(
                "the stored deployment is damaged; the revision before it runs until the cloud sends the newest",
                metadata: [
                    "group.name": "\(before.revision.group)", "revision": "\(before.revision.revision)",
                ])
        case (_, nil):
            state.damage =
                "the stored deployment is damaged, and there is no other; the core waits for the cloud's"
            logger.error("the stored deployment is damaged; the core waits for the cloud's")
        }
        guard let running else { return state }
        state.running = RunningRevision(
            running.revision, components: try components(db, of: running.revision, logger: logger))
        state.deploymentID = running.deploymentID
        state.isSettled = running.isSettled
        state.things = Set(running.revision.things)
        return state
    }

    /// The components of a stored revision.
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
        let instances = GroupDefinition.instances(of: revision)
        return lock.map { locked in
            do throws(RecipeCompiler.Problem) {
                guard let text = try Self.text(db, locked) else {
                    throw RecipeCompiler.Problem(description: "its recipe is missing on this core's disk")
                }
                return try compiler.compile(locked, as: instances[locked.instance], text: text)
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

    // MARK: Changing

    /// A transaction that makes a revision the one that runs. What ran, if that had settled, is kept to go back to.
    ///
    /// - Parameters:
    ///   - staged: what to run; its recipes are on disk.
    ///   - deploymentID: the deployment that brings it.
    ///   - isSettled: whether nobody is going to watch it.
    ///   - alongside: further changes that must happen in the same transaction.
    func switching(
        to staged: StagedRevision, deploymentID: String, isSettled: Bool,
        alongside: @escaping @Sendable (Database) throws -> Void
    ) throws -> @Sendable (Database) throws -> Void {
        let new = StoredRevision(
            revision: staged.revision, deploymentID: deploymentID, time: milliseconds, isSettled: isSettled)
        return { db in
            let before = self.state.withLock { state in
                state.running.map {
                    StoredRevision(
                        revision: $0.revision, deploymentID: state.deploymentID, time: new.time,
                        isSettled: state.isSettled)
                }
            }
            let previous = before.flatMap { $0.isSettled && $0.revision != new.revision ? $0 : nil }
            try new.save(db, at: .active)
            try previous?.save(db, at: .previous)
            let statement = try db.makeStatement(sql: "INSERT OR IGNORE INTO carried_thing (name) VALUES (?)")
            for thing in new.revision.things { try statement.execute(arguments: [thing]) }
            try alongside(db)
            let back = previous ?? self.state.withLock { $0.previous }
            try self.forgetRecipes(db, except: [new.revision, back?.revision])
            db.afterNextTransaction { _ in
                self.adopt(staged) { state in
                    if let previous { state.previous = previous }
                    state.deploymentID = deploymentID
                    state.isSettled = isSettled
                    state.damage = nil
                }
            }
        }
    }

    /// A transaction that makes the last settled revision the one that runs again, with its recipes from disk.
    ///
    /// - Parameter alongside: further changes that must happen in the same transaction.
    func goingBack(
        alongside: @escaping @Sendable (Database) throws -> Void
    ) -> @Sendable (Database) throws -> Void {
        { db in
            guard let previous = try StoredRevision.find(db, at: .previous).revision else {
                throw NoWayBack(description: "the stored revision before it is damaged")
            }
            let staged = StagedRevision(
                previous.revision,
                components: try Self.components(db, of: previous.revision, logger: self.logger))
            try previous.save(db, at: .active)
            try alongside(db)
            try self.forgetRecipes(db, except: [previous.revision])
            db.afterNextTransaction { _ in
                self.adopt(staged) { state in
                    state.deploymentID = previous.deploymentID
                    state.isSettled = true
                    state.damage = nil
                }
            }
        }
    }

    /// Notes that nobody watches what runs any more.
    func settle(_ db: Database) throws {
        try db.execute(sql: "UPDATE active_deployment SET settled = 1")
        db.afterNextTransaction { _ in self.state.withLock { $0.isSettled = true } }
    }

    /// Removes the recipes that neither the running revision nor the settled one before it needs: what was fetched for
    /// one that did not come to run.
    func forgetFetched(_ db: Database) throws {
        try forgetRecipes(db, except: state.withLock { [$0.running?.revision, $0.previous?.revision] })
    }

    private func forgetRecipes(_ db: Database, except kept: [Hedgerow_Type_V1_GroupRevision?]) throws {
        var keys: Set<StoredRecipe.Key> = []
        for revision in kept {
            guard let revision else { continue }
            // A lock that cannot be read names recipes that are not known: then all are kept.
            guard let lock = try? RevisionCheck.lock(of: revision) else { return }
            keys.formUnion(lock.map(StoredRecipe.Key.init))
        }
        try StoredRecipe.removeAll(db, except: keys)
    }

    private var milliseconds: Int64 { Int64(now().timeIntervalSince1970 * 1_000) }
}
