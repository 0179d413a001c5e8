import Components
import FoundationEssentials
import GRDB

extension SQLiteComponentStore {
    func candidates(of names: Set<String>) async throws -> [String: [ComponentCandidate]] {
        try await database.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT version, digest, requirements FROM component_version WHERE component = ?")
            var candidates: [String: [ComponentCandidate]] = [:]
            for name in names {
                candidates[name] = try Row.fetchAll(statement, arguments: [name]).map(Self.candidate(from:))
            }
            return candidates
        }
    }

    private static func candidate(from row: Row) throws -> ComponentCandidate {
        let requirements = try ComponentRequirements(stored: row["requirements"])
        return ComponentCandidate(
            version: try version(row["version"]), recipeDigest: [UInt8](row["digest"] as Data),
            dependencies: requirements.dependencies, platforms: requirements.platforms,
            artifacts: requirements.artifacts)
    }
}
