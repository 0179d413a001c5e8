import GRDB

extension CloudDatabase {
    /// Types and attributes of things, who made revisions, whose lock a deployment has, aliases and deprecations.
    static func registerGroups(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("groups-1") { database in
            try database.execute(sql: groupSchema)
        }
    }

    private static let groupSchema = """
        ALTER TABLE thing ADD COLUMN type TEXT NOT NULL DEFAULT '';
        CREATE INDEX thing_by_type ON thing (type) WHERE type <> '';

        CREATE TABLE thing_type (
            name TEXT PRIMARY KEY NOT NULL,
            description TEXT NOT NULL,
            attributes TEXT NOT NULL
        ) WITHOUT ROWID;

        ALTER TABLE group_revision ADD COLUMN author TEXT NOT NULL DEFAULT '';

        -- The id of the deployment whose lock a rollback was made with.
        CREATE TABLE deployment_lock_source (
            deployment INTEGER PRIMARY KEY REFERENCES deployment (sequence) ON DELETE CASCADE,
            source TEXT NOT NULL
        );

        CREATE TABLE component_alias (
            component TEXT NOT NULL REFERENCES component (name),
            alias TEXT NOT NULL,
            version TEXT NOT NULL,
            update_time INTEGER NOT NULL,
            author TEXT NOT NULL,
            PRIMARY KEY (component, alias)
        ) WITHOUT ROWID;

        CREATE TABLE component_alias_move (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            component TEXT NOT NULL,
            alias TEXT NOT NULL,
            from_version TEXT,
            to_version TEXT,
            move_time INTEGER NOT NULL,
            author TEXT NOT NULL
        );
        CREATE INDEX component_alias_move_by_component ON component_alias_move (component, sequence);

        CREATE TABLE component_deprecation (
            component TEXT NOT NULL REFERENCES component (name),
            version TEXT NOT NULL,
            reason TEXT NOT NULL,
            deprecate_time INTEGER NOT NULL,
            author TEXT NOT NULL,
            PRIMARY KEY (component, version)
        ) WITHOUT ROWID;
        """
}
