import GRDB

/// A table that rows are copied into.
struct SalvageTable {
    let name: String
    /// Whether its rows have ids of their own; otherwise it is stored as an index is.
    let hasRowIDs: Bool
    private let columns: [Column]

    private struct Column {
        let name: String
        let type: String
        let isRequired: Bool
        let isKey: Bool
    }

    /// The tables of a database, but SQLite's and GRDB's own.
    static func all(_ db: Database) throws -> [SalvageTable] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT name, wr FROM pragma_table_list
                WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'grdb_%'
                ORDER BY name
                """)
        return try rows.map { try SalvageTable(db, name: $0[0], hasRowIDs: $0[1] as Int == 0) }
    }

    private init(_ db: Database, name: String, hasRowIDs: Bool) throws {
        self.name = name
        self.hasRowIDs = hasRowIDs
        // Without row ids the key's columns come first.
        let order = hasRowIDs ? "cid" : "pk = 0, pk, cid"
        columns = try Row.fetchAll(
            db, sql: "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?) ORDER BY \(order)",
            arguments: [name]
        ).map {
            Column(
                name: $0[0], type: ($0[1] as String).uppercased(), isRequired: $0[2] as Int != 0,
                isKey: $0[3] as Int != 0)
        }
    }

    /// Whether a record can be a row of the table: of columns that were added later it may have none.
    func fits(_ record: DatabaseTrees.Record) -> Bool {
        guard !record.values.isEmpty, record.values.count <= columns.count else { return false }
        for (column, value) in zip(columns, record.values) {
            switch (value.storage, column.type) {
            case (.null, _):
                if column.isRequired && !isRowID(column) { return false }
            case (.int64, "INTEGER"), (.string, "TEXT"), (.blob, "BLOB"), (.double, "REAL"), (.int64, "REAL"):
                break
            default: return false
            }
        }
        return columns.dropFirst(record.values.count).allSatisfy { !$0.isKey }
    }

    /// Copies a row; false where it cannot be one, or another one has its place.
    func insert(_ record: DatabaseTrees.Record, _ db: Database) throws -> Bool {
        guard fits(record) else { return false }
        let present = columns.prefix(record.values.count)
        let names = present.map { "\"\($0.name)\"" }.joined(separator: ", ")
        let marks = databaseQuestionMarks(count: present.count)
        let statement = try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO \"\(name)\" (\(names)) VALUES (\(marks))")
        let values = zip(present, record.values).map { isRowID($0) ? record.rowID.databaseValue : $1 }
        do {
            try statement.execute(arguments: StatementArguments(values))
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            return false
        }
        return db.changesCount > 0
    }

    /// Whether a column is another name for the row's id, which the record itself does not hold.
    private func isRowID(_ column: Column) -> Bool {
        hasRowIDs && column.isKey && column.type == "INTEGER" && columns.filter(\.isKey).count == 1
    }
}
