public import GRDB

extension DurableStreams {
    /// Makes the tables.
    public static func createTables(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE stream_epoch (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, epoch BLOB NOT NULL,
                    next INTEGER NOT NULL, acknowledged INTEGER NOT NULL, UNIQUE (stream, epoch)) STRICT;
                CREATE TABLE stream_entry (
                    id INTEGER PRIMARY KEY, epoch_id INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
                    reason INTEGER, bytes INTEGER NOT NULL, receive_time INTEGER NOT NULL, doubtful INTEGER NOT NULL,
                    thing TEXT, origin_epoch BLOB, component TEXT, origin_first INTEGER, origin_last INTEGER,
                    payload BLOB) STRICT;
                CREATE UNIQUE INDEX stream_entry_first ON stream_entry (epoch_id, first);
                CREATE TABLE stream_lost_origin (
                    entry_id INTEGER NOT NULL, thing TEXT NOT NULL, epoch BLOB NOT NULL, component TEXT NOT NULL,
                    first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
                CREATE INDEX stream_lost_origin_entry ON stream_lost_origin (entry_id);
                CREATE TABLE stream_usage (
                    stream TEXT PRIMARY KEY, bytes INTEGER NOT NULL, accounts INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                CREATE TABLE stream_exported (
                    id INTEGER PRIMARY KEY, epoch_id INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
                    reason INTEGER, thing TEXT NOT NULL, epoch BLOB NOT NULL, component TEXT NOT NULL,
                    origin_first INTEGER NOT NULL, origin_last INTEGER NOT NULL) STRICT;
                CREATE INDEX stream_exported_last ON stream_exported (epoch_id, last);
                CREATE INDEX stream_exported_end
                    ON stream_exported (epoch_id, thing, epoch, component, origin_last);
                """)
    }

    /// Adds what is kept about derived messages to the tables of ``createTables(_:)``.
    public static func addDerivation(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE stream_entry ADD COLUMN row_offsets BLOB;
                ALTER TABLE stream_lost_origin ADD COLUMN row_offsets BLOB;
                ALTER TABLE stream_entry ADD COLUMN source_component TEXT;
                ALTER TABLE stream_entry ADD COLUMN source_version TEXT;
                ALTER TABLE stream_entry ADD COLUMN source_revision INTEGER;
                """)
    }

    /// Adds when a batch was appended whose messages carry traces to the tables of ``createTables(_:)``.
    public static func addTraces(_ db: Database) throws {
        try db.execute(sql: "ALTER TABLE stream_entry ADD COLUMN traced_since INTEGER")
    }

    /// Adds the sums that show damage to the tables of ``createTables(_:)`` and ``addDerivation(_:)``.
    public static func addChecksums(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE stream_entry ADD COLUMN payload_checksum INTEGER;
                ALTER TABLE stream_entry ADD COLUMN header_checksum INTEGER;
                ALTER TABLE stream_lost_origin ADD COLUMN checksum INTEGER;
                """)
    }
}
