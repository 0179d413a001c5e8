import Components
import FoundationEssentials
import GRDB
import HedgerowAPI
import Manifests
import SwiftProtobuf
import Transforms

extension CoreDoctor {
    /// The instances of the revision that runs whose recipe asks for the CPU's temperature. What cannot be read is
    /// left out here: the core's own log says so.
    static func componentsWithTemperature(_ db: Database) throws -> [String] {
        guard try db.tableExists("active_deployment"), try db.tableExists("recipe"),
            let definition = try Data.fetchOne(
                db, sql: "SELECT definition FROM active_deployment WHERE id = 1"),
            let revision = try? Hedgerow_Type_V1_GroupRevision(serializedBytes: definition),
            let lock = try? RevisionCheck.lock(of: revision)
        else { return [] }
        return try lock.filter { locked in
            guard let text = try StoredRecipe.text(db, StoredRecipe.Key(locked)) else { return false }
            let manifest = try? ComponentManifest.parse(text, fileName: locked.component)
            return manifest?.recipe.access.host.contains(.cpuTemperature) ?? false
        }.map(\.instance)
    }
}
