import Foundation
public import GRDB
public import Shadows

/// What is done with shadows inside one transaction of their host's.
///
/// It has no connection of its own: make one for each transaction (or read), use it there, and forget it. What it changed
/// is in ``applied``; tell that to those who follow once the transaction is committed, and not before.
///
/// - Note: A `ShadowError` that it throws has changed nothing; the transaction may go on.
public final class ShadowTransaction {
    /// Versions of a shadow that are kept, where nobody says otherwise.
    public static let standardHistoryDepth = 20
    /// Conflicts of a shadow that are kept.
    public static let conflictsKept = 100
    /// How long a tombstone stays at least, microseconds: 48 hours.
    public static let tombstoneTime: Int64 = 48 * 3_600 * 1_000_000

    /// The host's database, inside a transaction.
    let db: Database
    /// Which side this is.
    public let side: ShadowSide
    /// What a document may be.
    public let limits: ShadowLimits
    /// Versions of a shadow that are kept.
    public let historyDepth: Int
    /// The time, microseconds since 1970.
    public let now: Int64
    /// Who changes something: `thing:NAME`, `operator:NAME`, `component:INSTANCE`, `core:NAME`, `cloud`.
    public let author: String
    private let newIncarnation: () -> ShadowIncarnation
    /// On a core: whether the cloud is to learn of what is changed of a shadow.
    private let isForCloud: (ShadowKey) -> Bool

    /// What was changed so far, in order.
    public private(set) var applied: [AppliedShadow] = []

    /// Begins.
    ///
    /// - Parameters:
    ///   - db: Inside a transaction of the host's; a read is enough for what only reads.
    ///   - side: Which side this is.
    ///   - historyDepth: Versions of a shadow that are kept, at least 1.
    ///   - now: Microseconds since 1970.
    ///   - author: Who changes something.
    ///   - isForCloud: On a core, whether a shadow is synced: only then a change of it waits for the cloud.
    ///   - newIncarnation: Names a creation; for tests that choose.
    public init(
        _ db: Database, side: ShadowSide, limits: ShadowLimits,
        historyDepth: Int = ShadowTransaction.standardHistoryDepth, now: Int64, author: String,
        isForCloud: @escaping (ShadowKey) -> Bool = { _ in true },
        newIncarnation: @escaping () -> ShadowIncarnation = { ShadowIncarnation.random() }
    ) {
        self.db = db
        self.side = side
        self.limits = limits
        self.historyDepth = max(1, historyDepth)
        self.now = now
        self.author = author
        self.isForCloud = isForCloud
        self.newIncarnation = newIncarnation
    }

    // MARK: One shadow

    /// A shadow, or its tombstone; nil where there is neither.
    public func record(_ key: ShadowKey) throws -> ShadowRecord? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT s.id, s.change, s.dirty, h.incarnation, h.version, h.deleted, h.update_time, h.state,
                    h.metadata
                FROM shadow s LEFT JOIN shadow_history h ON h.change = s.change WHERE s.thing = ? AND s.name = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [key.thing, key.name]) else { return nil }
        return ShadowRecord(
            id: try row.integer(0), key: key, change: try row.integer(1),
            shadow: try Self.shadow(row, from: 3),
            isDirty: try row.flag(2))
    }

    /// The document of a shadow.
    ///
    /// - Throws: `ShadowError` 404 where there is none.
    public func get(_ key: ShadowKey) throws -> ShadowDocument {
        guard let document = try record(key)?.shadow.document else { throw ShadowError.noShadow(key) }
        return document
    }

    /// Changes a shadow, or creates it.
    ///
    /// - Parameter condition: Has to be true of the document as it is.
    /// - Throws: `ShadowError`; nothing is changed then.
    @discardableResult
    public func update(
        _ key: ShadowKey, _ update: ShadowUpdate, condition: ShadowCondition? = nil
    ) throws -> AppliedShadow {
        let before = try record(key)
        try condition?.check(before?.shadow, clientToken: update.clientToken)
        let isSynced = try before.map { try $0.shadow.isDeleted && isKnownElsewhere($0.id) } ?? false
        let change = try ShadowRules.update(
            before?.shadow, update, now: now, limits: limits, isSynced: isSynced,
            newIncarnation: newIncarnation())
        return try enter(
            ShadowStep(
                before: change.before, after: change.after, acceptedText: change.acceptedText,
                clientToken: update.clientToken), of: key, before)
    }

    /// Whether the other side of the sync had it: its versions then go on counting for as long as its deletion is kept.
    private func isKnownElsewhere(_ id: Int64) throws -> Bool {
        let table = side == .core ? "shadow_base" : "shadow_core"
        return try Row.fetchOne(
            try db.cachedStatement(sql: "SELECT 1 FROM \(table) WHERE shadow = ? LIMIT 1"), arguments: [id])
            != nil
    }

    /// Deletes a shadow.
    ///
    /// - Parameter version: That it has to have; nil for any.
    /// - Throws: `ShadowError`; nothing is changed then.
    @discardableResult
    public func delete(
        _ key: ShadowKey, version: UInt64? = nil, clientToken: String? = nil
    ) throws -> AppliedShadow {
        let before = try record(key)
        let change = try ShadowRules.delete(
            before?.shadow, version: version, clientToken: clientToken, now: now, key: key)
        return try enter(
            ShadowStep(
                before: change.before, after: change.after, acceptedText: change.acceptedText,
                clientToken: clientToken), of: key, before)
    }

    // MARK: Writing

    /// Enters a change: the shadow, its history and its number.
    ///
    /// - Parameter isDirty: On a core, whether the cloud has yet to confirm it; nil where that is so if it changed.
    @discardableResult
    func enter(
        _ step: ShadowStep, of key: ShadowKey, _ before: ShadowRecord?, isDirty: Bool? = nil
    ) throws -> AppliedShadow {
        let number = try nextChange()
        let after = step.after
        let bytes = Data(after.incarnation.bytes)
        let version = Int64(clamping: after.version)
        let (state, metadata) = (after.document?.stateText, after.document?.metadataText)
        let id = try enter(
            arguments: [
                number, bytes, version, after.isDeleted, isDirty ?? becomesDirty(step, of: key, before),
                after.document?.hasDelta ?? false, after.document?.sectionBytes(of: state) ?? 0,
                after.updateTime,
            ], of: key, before)
        try db.cachedStatement(
            sql: """
                INSERT INTO shadow_history (change, shadow, previous, incarnation, version, deleted, update_time,
                    author, token, accepted, state, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                number, id, before?.change ?? 0, bytes, version, after.isDeleted, after.updateTime, author,
                step.clientToken, step.acceptedText, state, metadata,
            ])
        if before != nil { try trimHistory(of: id) }
        let done = AppliedShadow(key: key, number: number, step: step, author: author)
        applied.append(done)
        return done
    }

    /// Enters what a shadow is.
    ///
    /// - Returns: its row.
    private func enter(
        arguments: StatementArguments, of key: ShadowKey, _ before: ShadowRecord?
    ) throws -> Int64 {
        if let before {
            try db.cachedStatement(
                sql: """
                    UPDATE shadow SET change = ?, incarnation = ?, version = ?, deleted = ?, dirty = ?, delta = ?,
                        size = ?, update_time = ? WHERE id = ?
                    """
            ).execute(arguments: arguments + [before.id])
            return before.id
        }
        try db.cachedStatement(
            sql: """
                INSERT INTO shadow (change, incarnation, version, deleted, dirty, delta, size, update_time, thing,
                    name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: arguments + [key.thing, key.name])
        return db.lastInsertedRowID
    }

    /// A request that leaves the state as it was is no news for the cloud.
    private func becomesDirty(_ step: ShadowStep, of key: ShadowKey, _ before: ShadowRecord?) -> Bool {
        guard side == .core, isForCloud(key) else { return false }
        guard let before else { return true }
        return before.isDirty || !before.shadow.isEquivalent(to: step.after)
    }

    /// One more than is shown stays, for what was before the oldest.
    private func trimHistory(of id: Int64) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM shadow_history WHERE shadow = ?1 AND change <= (
                    SELECT change FROM shadow_history WHERE shadow = ?1 ORDER BY change DESC LIMIT 1 OFFSET ?2)
                """
        ).execute(arguments: [id, historyDepth + 1])
    }

    private func nextChange() throws -> Int64 {
        let statement = try db.cachedStatement(
            sql: "UPDATE shadow_database SET change = change + 1 WHERE id = 1 RETURNING change")
        guard let row = try Row.fetchOne(statement) else {
            throw DamagedShadow(description: "the table shadow_database is empty")
        }
        return try row.integer(0)
    }

    // MARK: Reading rows

    /// A shadow of six columns: incarnation, version, deleted, time, state, metadata.
    static func shadow(_ row: Row, from index: Int) throws -> StoredShadow {
        guard let incarnation = ShadowIncarnation(try row.blob(index)) else {
            throw DamagedShadow(description: "the incarnation of a shadow has not 16 bytes")
        }
        let version = try row.count(index + 1)
        let time = try row.integer(index + 3)
        if try row.flag(index + 2) {
            return .deleted(
                ShadowTombstone(incarnation: incarnation, version: version, deleteTime: time))
        }
        let (state, metadata) = (try row.text(index + 4), try row.text(index + 5))
        do {
            return .present(
                try ShadowDocument(
                    state: state.utf8, metadata: metadata.utf8, version: version, incarnation: incarnation,
                    updateTime: time))
        } catch {
            throw DamagedShadow(description: "the document of a shadow cannot be read: \(error)")
        }
    }
}

extension ShadowDocument {
    /// Bytes of desired and reported within a state that was written already.
    func sectionBytes(of state: String?) -> Int {
        let all = state?.utf8.count ?? 0
        return switch (desired != nil, reported != nil) {
        case (true, true): all - #"{"desired":,"reported":}"#.utf8.count
        case (true, false): all - #"{"desired":}"#.utf8.count
        case (false, true): all - #"{"reported":}"#.utf8.count
        case (false, false): 0
        }
    }
}
