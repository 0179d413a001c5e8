import FoundationEssentials
import GRDB
import PKI

/// The secrets of groups: rows of the database, each encrypted under a key that is not in the database.
///
/// The key is read for each transaction and inside of it, so that of two first secrets at once only one makes it. It is
/// made where there are no secrets only: where there are some and it is missing or another one, nothing can be read, and
/// a new key would hide that.
struct SecretVault: Sendable {
    /// Most bytes of a value: 64 KiB.
    static let maximumBytes = 64 << 10
    /// Most secrets of a group.
    static let maximumPerGroup = 64

    let database: CloudDatabase
    /// The file of the key.
    let keyPath: String

    // MARK: Changing

    /// Gives a secret a value; the value that it has already changes nothing.
    ///
    /// - Throws: ``StoreError/notFound(_:)`` where there is no such group, ``StoreError/limitReached(_:)``,
    ///   ``StoreError/secretsUnreadable(_:)``.
    func set(
        _ value: [UInt8], name: String, group: String, author: String, at time: Date
    ) async throws -> (secret: SecretRecord, changed: Bool) {
        try await database.write { db in
            guard
                try Bool.fetchOne(
                    db, sql: "SELECT EXISTS (SELECT * FROM fleet_group WHERE name = ?)", arguments: [group])
                    == true
            else { throw StoreError.notFound("no group named \"\(group)\" exists; apply it first") }
            let row = try Self.row(name, of: group, in: db)
            if row == nil { try Self.requireRoom(in: group, db) }
            let key = try key(makingOne: true, in: db)
            var secret = SecretRecord(
                group: group, name: name, version: 1, size: value.count, createTime: time, updateTime: time,
                author: author)
            if let row {
                let before = try Self.record(from: row)
                if try open(row, with: key) == value { return (before, false) }
                secret.version = before.version + 1
                secret.createTime = before.createTime
            }
            let sealed = try key.seal(value, group: group, name: name, version: secret.version)
            try db.execute(
                sql: """
                    INSERT INTO secret
                        (fleet_group, name, version, size, sealed, key, create_time, update_time, author)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                    ON CONFLICT (fleet_group, name) DO UPDATE SET
                        version = ?3, size = ?4, sealed = ?5, key = ?6, update_time = ?8, author = ?9
                    """,
                arguments: [
                    group, name, Int64(clamping: secret.version), secret.size, sealed, key.id,
                    secret.createTime.milliseconds, secret.updateTime.milliseconds, author,
                ])
            return (secret, true)
        }
    }

    /// Deletes a secret. Needs no key: what cannot be read any more can be set anew after this.
    ///
    /// - Throws: ``StoreError/notFound(_:)``.
    func delete(_ name: String, of group: String) async throws {
        try await database.write { db in
            try db.execute(
                sql: "DELETE FROM secret WHERE fleet_group = ? AND name = ?", arguments: [group, name])
            guard db.changesCount > 0 else {
                throw StoreError.notFound("group \"\(group)\" has no secret \"\(name)\"")
            }
        }
    }

    // MARK: Looking up

    /// Secrets after one, by group and name; of one group only, or of all.
    func secrets(of group: String?, after last: (group: String, name: String), limit: Int) async throws
        -> [SecretRecord]
    {
        try await database.read { [last] db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM secret
                    WHERE (?1 IS NULL OR fleet_group = ?1) AND (fleet_group, name) > (?2, ?3)
                    ORDER BY fleet_group, name LIMIT ?4
                    """, arguments: [group, last.group, last.name, limit]
            ).map(Self.record(from:))
        }
    }

    /// The names that a group has.
    func names(of group: String) async throws -> Set<String> {
        try await database.read { db in
            try String.fetchSet(db, sql: "SELECT name FROM secret WHERE fleet_group = ?", arguments: [group])
        }
    }

    /// Some secrets of a group with their values; those that it has not are missing.
    ///
    /// - Throws: ``StoreError/secretsUnreadable(_:)``.
    func values(
        of names: Set<String>, in group: String
    ) async throws -> [String: (version: UInt64, value: [UInt8])] {
        if names.isEmpty { return [:] }
        return try await database.read { db in
            var values: [String: (version: UInt64, value: [UInt8])] = [:]
            for name in names {
                guard let row = try Self.row(name, of: group, in: db) else { continue }
                let key = try key(makingOne: false, in: db)
                values[name] = (try Self.record(from: row).version, try open(row, with: key))
            }
            return values
        }
    }

    // MARK: Key

    private func key(makingOne: Bool, in db: Database) throws -> SecretKey {
        let known: SecretKey?
        do {
            known = try SecretKey.read(keyPath)
        } catch {
            throw StoreError.secretsUnreadable("\(error); \(Self.remedy)")
        }
        if let known { return known }
        guard makingOne, try Self.isEmpty(db) else {
            throw StoreError.secretsUnreadable("the key \(keyPath) of the secrets is missing; \(Self.remedy)")
        }
        do {
            return try SecretKey.make(keyPath)
        } catch {
            throw StoreError.storageFailed("\(error)")
        }
    }

    private func open(_ row: Row, with key: SecretKey) throws -> [UInt8] {
        let secret = try Self.record(from: row)
        guard row["key"] as Data == key.id else {
            throw StoreError.secretsUnreadable(
                "the key \(keyPath) is not the one that secret \"\(secret.name)\" of group \"\(secret.group)\" was "
                    + "encrypted with; \(Self.remedy)")
        }
        do {
            return try key.open(
                row["sealed"], group: secret.group, name: secret.name, version: secret.version)
        } catch {
            throw StoreError.secretsUnreadable(
                "secret \"\(secret.name)\" of group \"\(secret.group)\" is damaged in the database; set it anew "
                    + "after `hedgerow secrets remove`")
        }
    }

    static let remedy =
        "restore it from a backup, or remove every secret (hedgerow secrets remove) and set them anew"

    // MARK: Rows

    private static func isEmpty(_ db: Database) throws -> Bool {
        try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT * FROM secret)") == false
    }

    private static func requireRoom(in group: String, _ db: Database) throws {
        let count =
            try Int.fetchOne(db, sql: "SELECT count(*) FROM secret WHERE fleet_group = ?", arguments: [group])
            ?? 0
        guard count < maximumPerGroup else {
            throw StoreError.limitReached(
                "group \"\(group)\" has \(count) secrets, and no more are kept; remove one that nothing reads"
            )
        }
    }

    private static func row(_ name: String, of group: String, in db: Database) throws -> Row? {
        try Row.fetchOne(
            db, sql: "SELECT * FROM secret WHERE fleet_group = ? AND name = ?", arguments: [group, name])
    }

    private static func record(from row: Row) throws -> SecretRecord {
        SecretRecord(
            group: row["fleet_group"], name: row["name"], version: UInt64(clamping: row["version"] as Int64),
            size: row["size"], createTime: Date(milliseconds: row["create_time"]),
            updateTime: Date(milliseconds: row["update_time"]), author: row["author"])
    }
}
