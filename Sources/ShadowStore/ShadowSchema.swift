public import GRDB

/// The tables of shadows, the same on the core and in the cloud.
///
/// They are part of their host's database, so that what a message or a call changes of a shadow is in one transaction
/// with everything else that it changes. Times are microseconds since 1970; documents are JSON texts as
/// `ShadowDocument.stateText` and `metadataText` write them; incarnations are 16 bytes.
///
/// - `shadow_database`: one row. The database's name, and the number of the newest change. Every accepted update and
///   deletion, and every change by the sync, has a number; numbers only go up, and in the order of the commits, since
///   there is one writer: who has read up to a number misses nothing below it.
/// - `shadow`: what is, one small row for each shadow, tombstones included. `change` is the number of its newest change;
///   the document is in the history, in the row of that number. `dirty` is for the core alone: the cloud has not
///   confirmed what is here.
/// - `shadow_history`: the newest versions of each shadow, the present one among them. `previous` is the number
///   of the change before (0 for none), so that somebody who follows notices what is not kept any more. One more than
///   is shown is kept, since an event tells what was before it. `accepted` is what the request changed.
/// - `shadow_conflict`: what was decided where both sides had changed the same.
/// - `shadow_core` and `shadow_sync_core` (cloud): the newest document of each core that is part of a shadow, and how far
///   each core has taken the changes.
/// - `shadow_base`, `shadow_problem`, `shadow_read` and `shadow_cloud` (core): the cloud's document that is merged into
///   each shadow and the one that is under way to it, why one cannot be synced, the things that everything is known of,
///   and how far changes were taken.
public enum ShadowSchema {
    /// Registers the migrations, in their order.
    public static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("shadows-1") { db in
            try db.execute(sql: documents)
            try db.execute(sql: cloudSide)
            try db.execute(sql: coreSide)
        }
    }

    private static let documents = """
        CREATE TABLE shadow_database (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            name BLOB NOT NULL,
            change INTEGER NOT NULL
        );
        INSERT INTO shadow_database VALUES (1, randomblob(16), 0);

        CREATE TABLE shadow (
            id INTEGER PRIMARY KEY,
            thing TEXT NOT NULL,
            name TEXT NOT NULL,
            change INTEGER NOT NULL,
            incarnation BLOB NOT NULL,
            version INTEGER NOT NULL,
            deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
            dirty INTEGER NOT NULL CHECK (dirty IN (0, 1)),
            delta INTEGER NOT NULL CHECK (delta IN (0, 1)),
            size INTEGER NOT NULL,
            update_time INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX shadow_key ON shadow (thing, name);
        CREATE INDEX shadow_by_change ON shadow (change, thing, name);
        CREATE INDEX shadow_dirty ON shadow (change, thing, name) WHERE dirty = 1;
        CREATE INDEX shadow_tombstone ON shadow (update_time, change) WHERE deleted = 1;

        CREATE TABLE shadow_history (
            change INTEGER PRIMARY KEY,
            shadow INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            incarnation BLOB NOT NULL,
            version INTEGER NOT NULL,
            deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
            update_time INTEGER NOT NULL,
            author TEXT NOT NULL,
            token TEXT,
            accepted TEXT NOT NULL,
            state TEXT,
            metadata TEXT
        );
        CREATE INDEX shadow_history_by_shadow ON shadow_history (shadow, change);

        CREATE TABLE shadow_conflict (
            id INTEGER PRIMARY KEY,
            shadow INTEGER NOT NULL,
            path TEXT NOT NULL,
            base TEXT,
            core_value TEXT,
            cloud_value TEXT,
            winner TEXT NOT NULL,
            rule TEXT NOT NULL,
            core TEXT NOT NULL,
            core_version INTEGER NOT NULL,
            cloud_version INTEGER NOT NULL,
            decide_time INTEGER NOT NULL
        );
        CREATE INDEX shadow_conflict_by_shadow ON shadow_conflict (shadow, id);
        """

    private static let cloudSide = """
        -- The newest document of a core that is part of a shadow, and the change that made it so.
        CREATE TABLE shadow_core (
            shadow INTEGER NOT NULL,
            core TEXT NOT NULL,
            incarnation BLOB NOT NULL,
            version INTEGER NOT NULL,
            change INTEGER NOT NULL,
            sync_time INTEGER NOT NULL,
            PRIMARY KEY (shadow, core)
        ) WITHOUT ROWID;

        CREATE TABLE shadow_sync_core (
            core TEXT PRIMARY KEY NOT NULL,
            fleet_group TEXT NOT NULL,
            taken_change INTEGER NOT NULL
        ) WITHOUT ROWID;
        """

    private static let coreSide = """
        -- What the cloud had that is merged, and what is under way to it (`sent_`); null where there is none. The
        -- columns are those of the history.
        CREATE TABLE shadow_base (
            shadow INTEGER PRIMARY KEY,
            sync_time INTEGER,
            incarnation BLOB,
            version INTEGER,
            deleted INTEGER,
            update_time INTEGER,
            state TEXT,
            metadata TEXT,
            sent_incarnation BLOB,
            sent_version INTEGER,
            sent_deleted INTEGER,
            sent_update_time INTEGER,
            sent_state TEXT,
            sent_metadata TEXT
        );

        CREATE INDEX shadow_base_sent ON shadow_base (shadow) WHERE sent_version IS NOT NULL;

        CREATE TABLE shadow_problem (
            shadow INTEGER PRIMARY KEY,
            version INTEGER NOT NULL,
            problem TEXT NOT NULL
        );

        CREATE TABLE shadow_read (
            thing TEXT PRIMARY KEY NOT NULL,
            direction TEXT NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE shadow_cloud (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            name BLOB NOT NULL,
            taken_change INTEGER NOT NULL
        );
        """
}
