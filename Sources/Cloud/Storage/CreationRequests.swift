import FoundationEssentials
import GRDB

/// Remembers creations by the id that the client chose, so that a repeat after a lost answer makes nothing
/// twice (https://google.aip.dev/155).
enum CreationRequests {
    /// What an earlier request with this id made; nil where there was none.
    ///
    /// - Throws: ``StoreError/requestIDReused`` where the earlier one asked for something else.
    static func resource(of request: RequestKey?, method: String, in db: Database) throws -> String? {
        guard let request else { return nil }
        guard
            let row = try Row.fetchOne(
                db, sql: "SELECT digest, resource FROM creation_request WHERE method = ? AND request_id = ?",
                arguments: [method, request.id])
        else { return nil }
        guard [UInt8](row["digest"] as Data) == request.digest else { throw StoreError.requestIDReused }
        return row["resource"]
    }

    /// Remembers what a request made.
    static func record(
        _ request: RequestKey?, method: String, resource: String, at time: Date, in db: Database
    ) throws {
        guard let request else { return }
        try db.execute(
            sql: """
                INSERT INTO creation_request (method, request_id, digest, resource, create_time)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [method, request.id, Data(request.digest), resource, time.milliseconds])
    }
}
