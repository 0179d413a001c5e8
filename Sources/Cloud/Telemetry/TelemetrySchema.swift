import GRDB
import StreamStore

/// Tables of the telemetry store.
///
/// - `telemetry_batch`: one row per stored batch, in the order of storing. `payload` is the batch as it
///   came, `detail` a Record without its message: origin, times, source, core. The sequences of the origin
///   in `detail` are those of the messages themselves, from the first to the last; `row_offsets` say which of
///   them where a component dropped some between.
/// - `telemetry_received`: sequences that were taken, filtered ones included, as ranges that do not touch,
///   per (thing, epoch, component output). What is in it is never stored again.
/// - `telemetry_declared`: sequences that somebody said will never come, with the reason. What is received
///   after all is taken out of it again.
/// - `telemetry_day`, `telemetry_day_lost`: the ledger's counts by UTC day of storing and stream.
/// - `telemetry_total`: one row with the sizes that retention needs.
enum TelemetrySchema {
    static func register(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("telemetry 1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE telemetry_thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
                    CREATE TABLE telemetry_topic (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
                    CREATE TABLE telemetry_batch (
                        id INTEGER PRIMARY KEY AUTOINCREMENT, thing_id INTEGER NOT NULL, topic_id INTEGER NOT NULL,
                        first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, store_time INTEGER NOT NULL,
                        count INTEGER NOT NULL, bytes INTEGER NOT NULL, detail BLOB NOT NULL, payload BLOB NOT NULL);
                    CREATE INDEX telemetry_batch_thing ON telemetry_batch (thing_id, last_time, id);
                    CREATE INDEX telemetry_batch_time ON telemetry_batch (last_time, id);
                    CREATE TABLE telemetry_received (
                        thing_id INTEGER NOT NULL, epoch BLOB NOT NULL, component TEXT NOT NULL,
                        first INTEGER NOT NULL, last INTEGER NOT NULL,
                        PRIMARY KEY (thing_id, epoch, component, first)) WITHOUT ROWID;
                    CREATE TABLE telemetry_declared (
                        thing_id INTEGER NOT NULL, epoch BLOB NOT NULL, component TEXT NOT NULL,
                        first INTEGER NOT NULL, last INTEGER NOT NULL, reason INTEGER NOT NULL,
                        stream TEXT NOT NULL, day TEXT NOT NULL,
                        PRIMARY KEY (thing_id, epoch, component, first)) WITHOUT ROWID;
                    CREATE TABLE telemetry_day (
                        thing_id INTEGER NOT NULL, day TEXT NOT NULL, stream TEXT NOT NULL,
                        received INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0,
                        rejected INTEGER NOT NULL DEFAULT 0,
                        PRIMARY KEY (thing_id, day, stream)) WITHOUT ROWID;
                    CREATE TABLE telemetry_day_lost (
                        thing_id INTEGER NOT NULL, day TEXT NOT NULL, stream TEXT NOT NULL,
                        reason INTEGER NOT NULL, count INTEGER NOT NULL,
                        PRIMARY KEY (thing_id, day, stream, reason)) WITHOUT ROWID;
                    CREATE TABLE telemetry_total (
                        id INTEGER PRIMARY KEY CHECK (id = 1), bytes INTEGER NOT NULL, batches INTEGER NOT NULL);
                    INSERT INTO telemetry_total VALUES (1, 0, 0);
                    """)
            try PublisherCursors.createTable(db)
            try SubscriberQueue.createTables(db)
        }
    }
}
