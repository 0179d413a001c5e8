import Components
import Crypto
import Foundation
import GRDB

/// A recipe's text as the core keeps it, so that it starts without the cloud.
struct StoredRecipe: Hashable, Sendable {
    /// Which recipe.
    struct Key: Hashable, Sendable {
        let component: String
        let version: String
        let digest: [UInt8]

        init(_ locked: LockedComponent) {
            component = locked.component
            version = locked.version.description
            digest = locked.recipeDigest
        }
    }

    let key: Key
    let text: String

    /// Whether a text is the one that a digest was made of.
    static func isGenuine(_ text: String, digest: [UInt8]) -> Bool {
        Array(SHA256.hash(data: Data(text.utf8))) == digest
    }

    /// Makes the table.
    static func createTable(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE recipe (
                    component TEXT NOT NULL, version TEXT NOT NULL, digest BLOB NOT NULL, text TEXT NOT NULL,
                    PRIMARY KEY (component, version, digest)) STRICT, WITHOUT ROWID
                """)
    }

    /// The text of a recipe as it lies there, whether or not it is damaged; nil where there is none.
    static func text(_ db: Database, _ key: Key) throws -> String? {
        try String.fetchOne(
            db, sql: "SELECT text FROM recipe WHERE component = ? AND version = ? AND digest = ?",
            arguments: [key.component, key.version, Data(key.digest)])
    }

    /// Keeps the recipe; replaces a damaged one.
    func save(_ db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO recipe VALUES (?, ?, ?, ?)",
            arguments: [key.component, key.version, Data(key.digest), text])
    }

    /// Removes all recipes but some.
    static func removeAll(_ db: Database, except kept: Set<Key>) throws {
        for row in try Row.fetchAll(db, sql: "SELECT component, version, digest FROM recipe") {
            let digest: Data = row[2]
            guard
                !kept.contains(where: {
                    $0.component == row[0] && $0.version == row[1] && $0.digest == Array(digest)
                })
            else { continue }
            try db.execute(
                sql: "DELETE FROM recipe WHERE component = ? AND version = ? AND digest = ?",
                arguments: [row[0] as String, row[1] as String, digest])
        }
    }
}
