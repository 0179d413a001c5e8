import Components
import FoundationEssentials
import GRDB
import Manifests
import Transforms

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

    func configurations(of components: Set<ComponentID>) async throws -> [ComponentID: RecipeConfiguration] {
        let texts = try await database.read { db in
            var texts: [ComponentID: String] = [:]
            for id in components {
                texts[id] = try String.fetchOne(
                    db, sql: "SELECT recipe FROM component_version WHERE component = ? AND sort_key = ?",
                    arguments: [id.component, VersionSortKey.key(of: id.version)])
            }
            return texts
        }
        return try texts.reduce(into: [:]) { configurations, entry in
            // It was checked when it was registered.
            guard let configuration = ComponentManifest.configuration(of: entry.value) else {
                throw CorruptRecord(
                    "the recipe of component \"\(entry.key.component)\" \(entry.key.version) cannot be read")
            }
            configurations[entry.key] = configuration
        }
    }

    func environments(of components: Set<ComponentID>) async throws -> [ComponentID: [String]] {
        try await requirements(of: components) { $0.environment ?? [] }
    }

    func secrets(of components: Set<ComponentID>) async throws -> [ComponentID: [String]] {
        try await requirements(of: components) { $0.secrets ?? [] }
    }

    func shadowAccess(of components: Set<ComponentID>) async throws -> [ComponentID: ShadowAccess] {
        try await requirements(of: components) { $0.shadows }.compactMapValues { $0 }
    }

    private func requirements<Value: Sendable>(
        of components: Set<ComponentID>, _ part: @escaping @Sendable (ComponentRequirements) -> Value
    ) async throws -> [ComponentID: Value] {
        try await database.read { db in
            var parts: [ComponentID: Value] = [:]
            for id in components {
                let row = try Row.fetchOne(
                    db,
                    sql: "SELECT requirements FROM component_version WHERE component = ? AND sort_key = ?",
                    arguments: [id.component, VersionSortKey.key(of: id.version)])
                parts[id] = try row.map { part(try ComponentRequirements(stored: $0["requirements"])) }
            }
            return parts
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
