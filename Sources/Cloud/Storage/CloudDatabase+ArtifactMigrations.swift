import GRDB

extension CloudDatabase {
    /// The tables of artifacts. Times are milliseconds since 1970.
    static func registerArtifacts(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("artifacts-1") { database in
            try database.execute(sql: artifactSchema)
        }
    }

    private static let artifactSchema = """
        -- Files of the directory artifacts/: a row is there only while its file is.
        CREATE TABLE artifact (
            digest BLOB PRIMARY KEY NOT NULL,
            size INTEGER NOT NULL,
            name TEXT NOT NULL,
            create_time INTEGER NOT NULL,
            use_time INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX artifact_by_use ON artifact (use_time);

        -- What recipes name, for whichever platform. Versions are never deleted, so what a lock names stays too.
        CREATE TABLE component_artifact (
            digest BLOB NOT NULL,
            component TEXT NOT NULL,
            version TEXT NOT NULL,
            name TEXT NOT NULL,
            size INTEGER NOT NULL,
            PRIMARY KEY (digest, component, version, name)
        ) WITHOUT ROWID;
        CREATE INDEX component_artifact_by_version ON component_artifact (component, version);
        """
}
