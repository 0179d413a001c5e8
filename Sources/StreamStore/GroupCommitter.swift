public import GRDB
public import Logging
import Messaging
import Metrics
public import ServiceLifecycle
import Synchronization

/// Puts the work of many callers into one transaction: one fsync for all that queued while the last ran.
///
/// There is no timer (semantics, section 2): a lone caller is committed at once, and under load a
/// transaction holds whatever came during the previous one. There is no task that commits either, whose turn a
/// caller would wait for: who finds nothing under way begins a transaction on the database's queue, and each begins the
/// next. Each caller's work runs in a savepoint of its
/// own, so that one that throws undoes only itself; one that is alone is the transaction, which costs less (SQLite
/// keeps what a savepoint would restore). A failure of the commit fails every caller of that
/// transaction: nothing of it may be acknowledged.
///
/// Where the disk is full (``DiskRoom``), works that need room are refused at once, and the others go on; a transaction
/// that fails for want of room is tried again without the first. Where the database turns out to be damaged, the
/// committer ends with ``StorageError/damaged(path:detail:)``, if it was told to: the next start then saves what can be
/// read.
///
/// The queue is bounded by its callers: each waits for its own work. At most ``maximumPerTransaction``
/// works go into one transaction.
public final class GroupCommitter: Service, Sendable {
    /// Most works in one transaction.
    public static let maximumPerTransaction = 512

    /// How many transactions were committed, and how many works they held.
    public struct Statistics: Hashable, Sendable {
        /// Transactions committed.
        public var transactions: UInt64 = 0
        /// Works in them.
        public var works: UInt64 = 0
        /// Transactions that failed as a whole.
        public var failures: UInt64 = 0
    }

    private struct Work: Sendable {
        /// Runs inside the transaction.
        let run: @Sendable (_ db: Database, _ isAlone: Bool) throws -> Ran
        let fail: @Sendable (any Error) -> Void
        let needsRoom: Bool
        let isSynced: Bool
    }

    /// What became of a work.
    private struct Ran: Sendable {
        /// To be called after the commit (nil) or its failure.
        let completion: @Sendable ((any Error)?) -> Void
        /// Whether the work was undone; where it was alone, the transaction has to be.
        let isUndone: Bool
    }

    private struct State {
        var queue: [Work] = []
        /// Whether ``run()`` runs.
        var isStarted = false
        /// Whether a transaction runs or is about to.
        var isBusy = false
        var isEnding = false
        var isClosed = false
        /// Waits for the last transaction.
        var closing: CheckedContinuation<Void, Never>?
        var statistics = Statistics()
        /// What was found damaged.
        var damage: StorageError?

        /// Whether a transaction is to be begun now, which is under way then.
        mutating func begin() -> Bool {
            guard isStarted, !isBusy, !queue.isEmpty else { return false }
            isBusy = true
            return true
        }
    }

    private let pool: DatabasePool
    private let path: String
    private let room: DiskRoom?
    private let endsWhenDamaged: Bool
    private let logger: Logger
    private let state = Mutex(State())
    private let ending = Signal()
    private let duration = Timer(label: "hedgerow_commit_duration")

    /// Makes a committer; nothing is committed until ``run()`` runs.
    ///
    /// - Parameters:
    ///   - room: what is known about the disk; nil where nobody looks.
    ///   - endsWhenDamaged: whether damage ends it, so that the next start can deal with that.
    public init(pool: DatabasePool, room: DiskRoom? = nil, endsWhenDamaged: Bool = false, logger: Logger) {
        self.pool = pool
        self.room = room
        self.endsWhenDamaged = endsWhenDamaged
        self.path = pool.path
        self.logger = logger
    }

    /// What it has done so far.
    public var statistics: Statistics { state.withLock { $0.statistics } }

    /// Runs work in the next transaction and returns when that is on the disk.
    ///
    /// - Parameters:
    ///   - needsRoom: Whether it adds what has to be kept. On a full disk it is refused then.
    ///   - isSynced: Whether it has to survive a power cut. A transaction of works that need not is written without
    ///     an fsync: it survives the end of the process (https://sqlite.org/pragma.html#pragma_synchronous, NORMAL).
    /// - Throws: What the work throws (then nothing of it is stored), or ``StorageError`` where the
    ///   transaction failed, or ``CommitterClosed`` after the end of ``run()``.
    public func commit<Output: Sendable>(
        needsRoom: Bool = false, isSynced: Bool = true,
        _ work: @escaping @Sendable (Database) throws -> Output
    ) async throws -> Output {
        try await withCheckedThrowingContinuation { continuation in
            let item = Work(
                run: { db, isAlone in
                    var result: Result<Output, any Error>?
                    do {
                        if isAlone {
                            result = .success(try work(db))
                        } else {
                            try db.inSavepoint {
                                result = .success(try work(db))
                                return .commit
                            }
                        }
                    } catch let error as DatabaseError where error.isFatalToTransaction {
                        throw error
                    } catch {
                        result = .failure(error)
                    }
                    let outcome = result ?? .failure(CommitterClosed())
                    let isUndone = if case .failure = outcome { true } else { false }
                    return Ran(
                        completion: { failure in
                            if let failure {
                                continuation.resume(throwing: failure)
                            } else {
                                continuation.resume(with: outcome)
                            }
                        }, isUndone: isUndone)
                },
                fail: { continuation.resume(throwing: $0) }, needsRoom: needsRoom, isSynced: isSynced)
            let (accepted, begins) = state.withLock { state -> (Bool, Bool) in
                guard !state.isClosed else { return (false, false) }
                state.queue.append(item)
                return (true, state.begin())
            }
            if begins { beginTransaction() }
            if !accepted { item.fail(CommitterClosed()) }
        }
    }

    /// Commits until the task is cancelled or told to shut down; then commits what is queued and refuses the rest.
    ///
    /// - Throws: ``StorageError/damaged(path:detail:)`` where the database is and that is to end it.
    public func run() async throws {
        let begins = state.withLock { state in
            state.isStarted = true
            return state.begin()
        }
        if begins { beginTransaction() }
        await withGracefulShutdownHandler {
            while !Task.isCancelled, !state.withLock({ $0.isEnding }) { await ending.wait() }
            await close()
        } onGracefulShutdown: {
            self.state.withLock { $0.isEnding = true }
            self.ending.signal()
        }
        if let damage = state.withLock({ $0.damage }) { throw damage }
    }

    /// Takes note of an error that a reader met; damage of the database ends the committer, if it was told so.
    public func met(_ error: any Error) {
        guard endsWhenDamaged else { return }
        let known = (error as? DatabaseError).map { StorageError($0, path: path) } ?? error as? StorageError
        guard let known, case .damaged(_, let detail) = known else { return }
        let isFirst = state.withLock { state in
            defer { state.damage = state.damage ?? known }
            state.isEnding = true
            return state.damage == nil
        }
        guard isFirst else { return }
        DurableDatabase.requestRecovery(path: path)
        logger.critical(
            "the database is damaged; this program ends, and saves what can be read when it starts again",
            metadata: ["database.path": "\(path)", "error.message": "\(detail)"])
        ending.signal()
    }

    // The writes must finish even when the service is being cancelled: GRDB interrupts a write whose task
    // is cancelled, so they are handed to the pool's queue, which knows of no task.
    private func beginTransaction() {
        pool.asyncWriteWithoutTransaction { db in
            let works = self.state.withLock { state in
                let count = min(state.queue.count, Self.maximumPerTransaction)
                let works = Array(state.queue.prefix(count))
                state.queue.removeFirst(count)
                return works
            }
            self.commit(self.refusingWhatNeedsRoom(works, db), db)
            let (continues, closing) = self.state.withLock { state in
                state.isBusy = false
                if state.begin() { return (true, nil as CheckedContinuation<Void, Never>?) }
                defer { state.closing = nil }
                if state.closing != nil { state.isClosed = true }
                return (false, state.closing)
            }
            // In a turn of its own, so that others who write to the database get theirs.
            if continues { self.beginTransaction() }
            closing?.resume()
        }
    }

    private func commit(_ works: [Work], _ db: Database) {
        guard !works.isEmpty else { return }
        do {
            let start = ContinuousClock.now
            let completions =
                works.contains(where: \.isSynced)
                ? try Self.transaction(of: works, db)
                : try Self.unsyncedTransaction(of: works, db, path: path)
            let (seconds, attoseconds) = start.duration(to: .now).components
            duration.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
            state.withLock {
                $0.statistics.transactions += 1
                $0.statistics.works += UInt64(works.count)
            }
            for completion in completions { completion(nil) }
        } catch {
            let failure = (error as? DatabaseError).map { StorageError($0, path: path) as any Error } ?? error
            state.withLock { $0.statistics.failures += 1 }
            met(error)
            if case StorageError.full = failure, room != nil {
                let rest = refusingWhatNeedsRoom(works, didFail: true, db)
                if rest.count < works.count { return commit(rest, db) }
            }
            logger.error(
                "transaction failed; nothing in it was stored",
                metadata: ["error.message": "\(failure)", "works.count": "\(works.count)"])
            for work in works { work.fail(failure) }
        }
    }

    /// Looks at the disk where that is due. While it is full, fails what needs room.
    ///
    /// - Parameter didFail: Whether these works just failed for want of it.
    /// - Returns: What is to be committed.
    private func refusingWhatNeedsRoom(
        _ works: [Work], didFail: Bool = false, _ db: Database
    ) -> [Work] {
        guard let room, !works.isEmpty else { return works }
        if didFail || room.isDue {
            do {
                try room.look(db, didFail: didFail)
            } catch {
                logger.debug("the disk's room is not known", metadata: ["error.message": "\(error)"])
            }
        }
        guard didFail || room.condition.isFull else { return works }
        let refusal = StorageError.full(path: path)
        for work in works where work.needsRoom { work.fail(refusal) }
        return works.filter { !$0.needsRoom }
    }

    private static func transaction(
        of works: [Work], _ db: Database
    ) throws -> [@Sendable ((any Error)?) -> Void] {
        var completions: [@Sendable ((any Error)?) -> Void] = []
        try db.inTransaction {
            let isAlone = works.count == 1
            let ran = try works.map { try $0.run(db, isAlone) }
            completions = ran.map(\.completion)
            return isAlone && ran.contains(where: \.isUndone) ? .rollback : .commit
        }
        return completions
    }

    /// Writes without an fsync, and leaves the connection as it has to be for everybody else.
    private static func unsyncedTransaction(
        of works: [Work], _ db: Database, path: String
    ) throws -> [@Sendable ((any Error)?) -> Void] {
        try db.execute(sql: "PRAGMA synchronous = NORMAL")
        let outcome = Result { try transaction(of: works, db) }
        try db.execute(sql: "PRAGMA synchronous = FULL")
        let level = try Int.fetchOne(db, sql: "PRAGMA synchronous")
        guard level == 2 else { throw StorageError.notDurable(path: path, synchronous: level ?? -1) }
        return try outcome.get()
    }

    /// Commits what is queued, and refuses the rest.
    private func close() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.isBusy {
                    state.closing = continuation
                } else {
                    state.isClosed = true
                }
                return state.isClosed
            }
            if isDone { continuation.resume() }
        }
    }
}

extension DatabaseError {
    /// Whether SQLite may have rolled the whole transaction back, so that no savepoint can be trusted.
    fileprivate var isFatalToTransaction: Bool {
        switch resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_BUSY, .SQLITE_INTERRUPT, .SQLITE_CORRUPT,
            .SQLITE_NOTADB, .SQLITE_CANTOPEN, .SQLITE_READONLY:
            true
        default: false
        }
    }
}
