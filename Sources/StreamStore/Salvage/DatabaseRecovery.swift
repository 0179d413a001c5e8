public import GRDB

/// What a program lets be done with its database where that is damaged.
public struct DatabaseRecovery: Sendable {
    /// Tables of which rows are taken, too, that no tree leads to any more. They must not mind an older row.
    public var strayTables: Set<String>
    /// Looks for what SQLite cannot see; throws `SQLITE_CORRUPT` where it finds something.
    public var verify: @Sendable (Database) throws -> Void
    /// Puts right what must fit together, after rows were lost.
    public var repair: @Sendable (Database) throws -> Void

    /// Makes rules.
    public init(
        strayTables: Set<String> = [],
        verify: @escaping @Sendable (Database) throws -> Void = { _ in },
        repair: @escaping @Sendable (Database) throws -> Void = { _ in }
    ) {
        self.strayTables = strayTables
        self.verify = verify
        self.repair = repair
    }
}
