import FoundationEssentials
import GRDB
import RPCSupport

/// Whether the secrets of groups can be read: rows in the database, their key in a file.
struct SecretChecks {
    /// How many secrets there are, by the key that they were encrypted with.
    let keys: [Data: Int]
    /// The file of the key.
    let keyPath: String

    /// Reads the database.
    static func count(_ db: Database) throws -> [Data: Int] {
        guard try db.tableExists("secret") else { return [:] }
        var keys: [Data: Int] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT key, count(*) FROM secret GROUP BY key") {
            keys[row[0]] = row[1]
        }
        return keys
    }

    func finding() -> DoctorFinding {
        let check = "secrets.key"
        let count = keys.values.reduce(0, +)
        if count == 0 { return .skipped(check, "no group has secrets") }
        do {
            guard let key = try SecretKey.read(keyPath) else {
                return .failure(
                    check, "the key of the secrets is missing (\(keyPath))", advice: SecretVault.remedy)
            }
            let foreign = count - (keys[key.id] ?? 0)
            guard foreign == 0 else {
                return .failure(
                    check, "\(foreign) of \(count) secrets were encrypted with another key than \(keyPath)",
                    advice: SecretVault.remedy)
            }
            return .good(check, "\(count) \(count == 1 ? "secret" : "secrets"), with the key that fits")
        } catch {
            return .failure(check, "\(error)", advice: SecretVault.remedy)
        }
    }
}
