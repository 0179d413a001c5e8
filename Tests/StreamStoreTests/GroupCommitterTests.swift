import GRDB
import ServiceLifecycle
import StreamStore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct GroupCommitterTests {
    private struct Refused: Error {}

    private func withCommitter(
        _ body: @escaping @Sendable (GroupCommitter, DatabasePool) async throws -> Void
    ) async throws {
        try await withStore { pool in
            try await pool.write { try $0.execute(sql: "CREATE TABLE t (a INTEGER PRIMARY KEY)") }
            let committer = GroupCommitter(pool: pool, logger: quiet)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await committer.run() }
                try await body(committer, pool)
                group.cancelAll()
            }
        }
    }

    private static func insert(_ number: Int) -> @Sendable (Database) throws -> Int {
        { db in
            try db.execute(sql: "INSERT INTO t VALUES (?)", arguments: [number])
            return number
        }
    }

    private func rows(_ pool: DatabasePool) async throws -> Int {
        try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM t") ?? -1 }
    }

    @Test func manyCallersShareTransactions() async throws {
        try await withCommitter { committer, pool in
            // The first one holds the writer until the others have queued.
            let isQueued = Flag()
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask {
                    try await committer.commit { _ in
                        while !isQueued.isSet {}
                        return 0
                    }
                }
                try await eventually(
                    "the first transaction began", holds: { committer.statistics.works == 0 })
                for number in 1...100 {
                    group.addTask { try await committer.commit(Self.insert(number)) }
                }
                group.addTask {
                    try await Task.sleep(for: .milliseconds(50))
                    isQueued.set()
                    return 0
                }
                var sum = 0
                for try await number in group { sum += number }
                #expect(sum == 5_050)
            }
            #expect(try await self.rows(pool) == 100)
            #expect(committer.statistics.works == 101)
            #expect(committer.statistics.transactions < 20)
        }
    }

    /// STORED: written, so that it survives the process, and not forced to the disk (semantics, section 2).
    @Test func onlyATransactionThatNobodyWantsSyncedIsWrittenWithoutAnFsync() async throws {
        let level: @Sendable (Database) throws -> Int = { db in
            try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1
        }
        let (normal, full) = (1, 2)
        try await withCommitter { committer, pool in
            #expect(try await committer.commit(isSynced: false, level) == normal)
            #expect(try await committer.commit(isSynced: true, level) == full)
            _ = try await committer.commit(isSynced: false, Self.insert(1))
            #expect(try await self.rows(pool) == 1)
            // What fails leaves the connection as everybody else needs it.
            await #expect(throws: Refused.self) {
                try await committer.commit(isSynced: false) { _ in throw Refused() }
            }
            #expect(try await committer.commit(level) == full)
            #expect(try await pool.write(level) == full)
        }
    }

    @Test func oneThatThrowsUndoesOnlyItself() async throws {
        try await withCommitter { committer, pool in
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        let result = await Result {
                            try await committer.commit { db in
                                let value = try Self.insert(number)(db)
                                if number % 3 == 0 { throw Refused() }
                                // The same key again: SQLite's own error undoes no more either.
                                if number % 3 == 1 { _ = try Self.insert(number)(db) }
                                return value
                            }
                        }
                        switch (number % 3, result) {
                        case (0, .failure(let error)): #expect(error is Refused)
                        case (1, .failure(let error)): #expect(error is DatabaseError)
                        case (2, .success(let value)): #expect(value == number)
                        default: Issue.record("caller \(number) got \(result)")
                        }
                    }
                }
            }
            let stored = try await self.rows(pool)
            #expect(stored == 20)
        }
    }

    /// There is no savepoint then: the transaction is undone.
    @Test(arguments: [true, false]) func oneThatIsAloneAndThrowsIsUndoneToo(isSynced: Bool) async throws {
        try await withCommitter { committer, pool in
            _ = try await committer.commit(Self.insert(1))
            await #expect(throws: Refused.self) {
                try await committer.commit(isSynced: isSynced) { db in
                    _ = try Self.insert(2)(db)
                    throw Refused()
                }
            }
            await #expect(throws: DatabaseError.self) {
                try await committer.commit(isSynced: isSynced) { db in
                    _ = try Self.insert(3)(db)
                    return try Self.insert(1)(db)
                }
            }
            #expect(try await self.rows(pool) == 1)
            #expect(try await committer.commit(isSynced: isSynced, Self.insert(2)) == 2)
            #expect(try await self.rows(pool) == 2)
            #expect(committer.statistics.failures == 0)
        }
    }

    @Test func aCommitThatFailsFailsEveryCallerOfItsTransaction() async throws {
        try await withStore { pool in
            try await pool.write { db in
                try db.execute(
                    sql: """
                        CREATE TABLE parent (a INTEGER PRIMARY KEY);
                        CREATE TABLE t (a INTEGER REFERENCES parent (a) DEFERRABLE INITIALLY DEFERRED)
                        """)
            }
            let committer = GroupCommitter(pool: pool, logger: quiet)
            // Both queue before it runs, so that they share a transaction.
            let good = Task {
                try await committer.commit { try $0.execute(sql: "INSERT INTO t VALUES (NULL)") }
            }
            let bad = Task { try await committer.commit { try $0.execute(sql: "INSERT INTO t VALUES (1)") } }
            try await Task.sleep(for: .milliseconds(50))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await committer.run() }
                for result in [await good.result, await bad.result] {
                    guard case .failure(let error) = result, error is StorageError else {
                        Issue.record("acknowledged although nothing was stored: \(result)")
                        continue
                    }
                }
                #expect(committer.statistics.failures == 1)
                #expect(try await self.rows(pool) == 0)
                // The next transaction is not affected.
                try await committer.commit { try $0.execute(sql: "INSERT INTO t VALUES (NULL)") }
                #expect(try await self.rows(pool) == 1)
                group.cancelAll()
            }
        }
    }

    @Test func cancellationCommitsWhatIsQueuedAndRefusesTheRest() async throws {
        try await withStore { pool in
            try await pool.write { try $0.execute(sql: "CREATE TABLE t (a INTEGER PRIMARY KEY)") }
            let committer = GroupCommitter(pool: pool, logger: quiet)
            async let queued = committer.commit(Self.insert(1))
            try await Task.sleep(for: .milliseconds(50))
            let run = Task { try await committer.run() }
            run.cancel()
            try await run.value
            #expect(try await queued == 1)
            #expect(try await rows(pool) == 1)
            await #expect(throws: CommitterClosed.self) { try await committer.commit(Self.insert(2)) }
            #expect(try await rows(pool) == 1)
        }
    }

    @Test func aGracefulShutdownEndsItToo() async throws {
        try await withStore { pool in
            try await pool.write { try $0.execute(sql: "CREATE TABLE t (a INTEGER PRIMARY KEY)") }
            let committer = GroupCommitter(pool: pool, logger: quiet)
            let group = ServiceGroup(
                configuration: .init(services: [.init(service: committer)], logger: quiet))
            async let run: Void = group.run()
            #expect(try await committer.commit(Self.insert(1)) == 1)
            await group.triggerGracefulShutdown()
            try await run
            await #expect(throws: CommitterClosed.self) { try await committer.commit(Self.insert(2)) }
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
