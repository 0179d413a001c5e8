import FoundationEssentials
import GRDB
import Identity

/// CAs, tokens and certificates in the cloud's database.
struct SQLiteCredentialStore: CredentialStore {
    /// Most CAs of one group that are still in use: more would not fit into a discovery answer.
    static let maximumGroupAuthorities = 256

    let database: CloudDatabase

    // MARK: CAs

    func createCloudAuthorities(
        root: AuthorityRecord, issuing: AuthorityRecord
    ) async throws -> (root: AuthorityRecord, issuing: AuthorityRecord, created: Bool) {
        try await database.write { db in
            if let stored = try Self.cloudAuthorities(in: db) {
                return (stored.root, stored.issuing, false)
            }
            try Self.insert(root, in: db)
            try Self.insert(issuing, in: db)
            return (root, issuing, true)
        }
    }

    func cloudAuthorities() async throws -> (root: AuthorityRecord, issuing: AuthorityRecord)? {
        try await database.read { db in try Self.cloudAuthorities(in: db) }
    }

    private static func cloudAuthorities(
        in db: Database
    ) throws -> (root: AuthorityRecord, issuing: AuthorityRecord)? {
        let stored = try Row.fetchAll(db, sql: "SELECT * FROM authority WHERE fleet_group IS NULL")
            .map(authority(from:))
        let root = stored.first { $0.kind == .root }
        let issuing = stored.first { $0.kind == .issuing }
        switch (root, issuing) {
        case (.some(let root), .some(let issuing)): return (root, issuing)
        case (nil, nil): return nil
        default:
            throw CorruptRecord("the cloud's certificate authorities: one of root and issuing is missing")
        }
    }

    func groupAuthorities(of group: String) async throws -> [AuthorityRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM authority WHERE fleet_group = ?
                    ORDER BY signing DESC, create_time DESC, rowid DESC
                    """,
                arguments: [group]
            ).map(Self.authority(from:))
        }
    }

    func signingGroupAuthorities() async throws -> [AuthorityRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM authority WHERE fleet_group IS NOT NULL AND signing = 1"
            ).map(Self.authority(from:))
        }
    }

    func replaceGroupAuthority(with new: AuthorityRecord, expected: String?) async throws -> Bool {
        try await database.write { db in
            guard let group = new.group, try SQLiteRegistryStore.group(named: group, in: db) != nil else {
                throw StoreError.notFound("no group named \"\(new.group ?? "")\" exists")
            }
            let signing = try String.fetchOne(
                db, sql: "SELECT fingerprint FROM authority WHERE fleet_group = ? AND signing = 1",
                arguments: [group])
            if let expected, expected != signing { return false }
            let inUse =
                try Int.fetchOne(
                    db,
                    sql:
                        "SELECT count(*) FROM authority WHERE fleet_group = ? AND (signing = 1 OR live_until > ?)",
                    arguments: [group, new.createTime.milliseconds]) ?? 0
            guard inUse < Self.maximumGroupAuthorities else { throw StoreError.tooManyAuthorities(inUse) }
            try db.execute(sql: "UPDATE authority SET signing = 0 WHERE fleet_group = ?", arguments: [group])
            try Self.insert(new, in: db)
            return true
        }
    }

    static func insert(_ authority: AuthorityRecord, in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO authority (fingerprint, kind, fleet_group, certificate, not_before, not_after,
                    create_time, signing, live_until)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                authority.fingerprint, authority.kind.rawValue, authority.group, authority.certificatePEM,
                authority.notBefore.milliseconds, authority.notAfter.milliseconds,
                authority.createTime.milliseconds, authority.signing, authority.liveUntil?.milliseconds,
            ])
    }

    private static func authority(from row: Row) throws -> AuthorityRecord {
        let fingerprint: String = row["fingerprint"]
        guard let kind = AuthorityKind(rawValue: row["kind"]) else {
            throw CorruptRecord("the kind of the certificate authority \(fingerprint)")
        }
        return AuthorityRecord(
            fingerprint: fingerprint, kind: kind, group: row["fleet_group"],
            certificatePEM: row["certificate"],
            notBefore: Date(milliseconds: row["not_before"]), notAfter: Date(milliseconds: row["not_after"]),
            createTime: Date(milliseconds: row["create_time"]), signing: row["signing"],
            liveUntil: (row["live_until"] as Int64?).map(Date.init(milliseconds:)))
    }

    // MARK: Certificates

    func recordIssued(_ certificate: CertificateRecord) async throws {
        try await database.write { db in
            try db.execute(
                sql: """
                    INSERT INTO issued_certificate (serial_number, role, name, usage, authority,
                        key_fingerprint, not_before, not_after, issue_time)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    certificate.serialNumber, certificate.principal.role.rawValue, certificate.principal.name,
                    certificate.usage.rawValue, certificate.authority, certificate.keyFingerprint,
                    certificate.notBefore.milliseconds, certificate.notAfter.milliseconds,
                    certificate.issueTime.milliseconds,
                ])
            try db.execute(
                sql:
                    "UPDATE authority SET live_until = max(coalesce(live_until, 0), ?2) WHERE fingerprint = ?1",
                arguments: [certificate.authority, certificate.notAfter.milliseconds])
            guard db.changesCount == 1 else {
                throw CorruptRecord("the certificate authority \(certificate.authority) is not stored")
            }
        }
    }

    func certificates(of principal: Principal, limit: Int) async throws -> [CertificateRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM issued_certificate WHERE role = ? AND name = ? AND usage = 'client'
                    ORDER BY issue_time DESC, rowid DESC LIMIT ?
                    """,
                arguments: [principal.role.rawValue, principal.name, limit]
            ).map { row in
                CertificateRecord(
                    serialNumber: row["serial_number"], principal: principal, usage: .client,
                    authority: row["authority"], keyFingerprint: row["key_fingerprint"],
                    notBefore: Date(milliseconds: row["not_before"]),
                    notAfter: Date(milliseconds: row["not_after"]),
                    issueTime: Date(milliseconds: row["issue_time"]),
                    revokeTime: (row["revoke_time"] as Int64?).map(Date.init(milliseconds:)))
            }
        }
    }

    func revoke(_ principal: Principal, serialNumber: String?, at time: Date) async throws -> [String] {
        try await database.write { db in
            try Self.revoke(
                role: principal.role.rawValue, name: principal.name, serialNumber: serialNumber, at: time,
                in: db)
        }
    }

    static func revoke(
        role: String, name: String, serialNumber: String?, at time: Date, in db: Database
    ) throws -> [String] {
        let revoked = try String.fetchAll(
            db,
            sql: """
                UPDATE issued_certificate SET revoke_time = ?1
                WHERE role = ?2 AND name = ?3 AND (?4 IS NULL OR serial_number = ?4)
                    AND revoke_time IS NULL AND not_after > ?1
                RETURNING serial_number
                """,
            arguments: [time.milliseconds, role, name, serialNumber])
        if serialNumber == nil {
            try db.execute(sql: "DELETE FROM token WHERE role = ? AND name = ?", arguments: [role, name])
        }
        return revoked
    }

    func revokedSerialNumbers(at time: Date) async throws -> [String] {
        try await database.read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT serial_number FROM issued_certificate
                    WHERE revoke_time IS NOT NULL AND not_after > ? ORDER BY serial_number
                    """,
                arguments: [time.milliseconds])
        }
    }

    func mayHold(_ principal: Principal) async throws -> Bool {
        try await database.read { db in try Self.mayHold(principal, in: db) }
    }

    /// Things and cores must be registered as such; operators and apps exist by their tokens.
    private static func mayHold(_ principal: Principal, in db: Database) throws -> Bool {
        switch principal.role {
        case .operator, .app: true
        case .thing, .core:
            try SQLiteRegistryStore.thing(named: principal.name, in: db)?.kind.role == principal.role
        }
    }

    // MARK: Tokens

    func createToken(_ token: TokenRecord) async throws {
        try await database.write { db in
            guard try Self.mayHold(token.principal, in: db) else {
                let role = token.principal.role.rawValue
                throw StoreError.notFound(
                    "no \(role) named \"\(token.principal.name)\" is registered; create it first")
            }
            try db.execute(
                sql:
                    "INSERT INTO token (digest, role, name, create_time, expire_time) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    Data(token.digest), token.principal.role.rawValue, token.principal.name,
                    token.createTime.milliseconds, token.expireTime.milliseconds,
                ])
        }
    }

    func redeemToken(
        digest: [UInt8], keyFingerprint: String, at time: Date, repeatable: Duration
    ) async throws -> Principal? {
        try await database.write { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT * FROM token WHERE digest = ?", arguments: [Data(digest)])
            else { return nil }
            guard let role = Role(rawValue: row["role"]),
                let principal = try? Principal(role: role, name: row["name"])
            else { throw CorruptRecord("whom an enrolment token stands for") }
            guard try Self.mayHold(principal, in: db) else { return nil }

            if let key = row["bound_key"] as String? {
                let bound = Date(milliseconds: row["bound_time"])
                return key == keyFingerprint && time <= bound.adding(repeatable) ? principal : nil
            }
            guard time <= Date(milliseconds: row["expire_time"]) else { return nil }
            try db.execute(
                sql: "UPDATE token SET bound_key = ?2, bound_time = ?3 WHERE digest = ?1",
                arguments: [Data(digest), keyFingerprint, time.milliseconds])
            return principal
        }
    }

    // MARK: Housekeeping

    func fixedSetting(_ key: String) async throws -> String? {
        try await database.read { db in try Self.fixedSetting(key, in: db) }
    }

    func fix(_ key: String, to value: String) async throws -> String {
        try await database.write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO fixed_setting (key, value) VALUES (?, ?)",
                arguments: [key, value])
            return try Self.fixedSetting(key, in: db) ?? value
        }
    }

    private static func fixedSetting(_ key: String, in db: Database) throws -> String? {
        try String.fetchOne(db, sql: "SELECT value FROM fixed_setting WHERE key = ?", arguments: [key])
    }

    func prune(expiredBefore time: Date, requestsBefore: Date) async throws -> [String] {
        try await database.write { db in
            let limit = time.milliseconds
            try db.execute(sql: "DELETE FROM token WHERE expire_time < ?", arguments: [limit])
            try db.execute(sql: "DELETE FROM issued_certificate WHERE not_after < ?", arguments: [limit])
            try db.execute(
                sql: "DELETE FROM creation_request WHERE create_time < ?",
                arguments: [requestsBefore.milliseconds])
            return try String.fetchAll(
                db,
                sql: """
                    DELETE FROM authority WHERE kind = 'group' AND signing = 0
                        AND (not_after < ?1 OR coalesce(live_until, create_time) < ?1)
                    RETURNING fingerprint
                    """,
                arguments: [limit])
        }
    }
}
