import GRDB

extension CloudDatabase {
    /// The secrets of groups, each encrypted under a key that the database does not have.
    static func registerSecrets(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("secrets-1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE secret (
                        fleet_group TEXT NOT NULL REFERENCES fleet_group (name),
                        name TEXT NOT NULL,
                        version INTEGER NOT NULL,
                        -- Bytes of the value.
                        size INTEGER NOT NULL,
                        -- Nonce, ciphertext and tag of AES-GCM; group, name and version are authenticated with it.
                        sealed BLOB NOT NULL,
                        -- Which key: the beginning of a hash of it.
                        key BLOB NOT NULL,
                        create_time INTEGER NOT NULL,
                        update_time INTEGER NOT NULL,
                        author TEXT NOT NULL,
                        PRIMARY KEY (fleet_group, name)
                    ) WITHOUT ROWID;
                    """)
        }
    }
}
