public import GRDB
import Synchronization

/// The certificates that are no longer to be trusted, as the cloud said last; kept on disk, so that a core that
/// starts with the cloud away still refuses them.
public final class RevokedCertificates: Sendable {
    /// Most serial numbers that are kept: what fits into one gRPC message.
    public static let maximumCount = 100_000

    private let database: DatabasePool
    private let serials: Mutex<Set<String>>

    /// Reads the list.
    public init(database: DatabasePool) async throws {
        self.database = database
        self.serials = Mutex(
            try await database.read { db in
                Set(try String.fetchAll(db, sql: "SELECT serial_number FROM revoked_certificate"))
            })
    }

    /// Whether a certificate was revoked.
    ///
    /// - Parameter serialNumber: lower-case hexadecimal.
    public func contains(_ serialNumber: String) -> Bool {
        serials.withLock { $0.contains(serialNumber) }
    }

    /// How many there are.
    public var count: Int { serials.withLock { $0.count } }

    /// Replaces the list. It holds from the moment this returns.
    ///
    /// - Parameter list: serial numbers, lower-case hexadecimal; the whole list.
    /// - Returns: those that were not in the list before.
    /// - Throws: what the database throws; the list before stays, both on disk and in memory.
    @discardableResult
    public func replace(with list: [String]) async throws -> Set<String> {
        let new = Set(list.prefix(Self.maximumCount))
        return try await database.write { db in
            try db.execute(sql: "DELETE FROM revoked_certificate")
            let statement = try db.makeStatement(
                sql: "INSERT INTO revoked_certificate (serial_number) VALUES (?)")
            for serial in new { try statement.execute(arguments: [serial]) }
            let added = self.serials.withLock { new.subtracting($0) }
            db.afterNextTransaction { _ in self.serials.withLock { $0 = new } }
            return added
        }
    }
}
