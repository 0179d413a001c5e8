import Components
import Manifests

extension ManifestTrial {
    /// Checks the aliases, as if the components beside them were registered already.
    ///
    /// - Returns: where they point then, by component.
    mutating func checkAliases(
        at indices: [Int], beside pending: [RegisteredRecipe]
    ) async throws -> [String: [String: SemanticVersion]] {
        var aliases: [String: [String: SemanticVersion]] = [:]
        let coming = pending.map(\.component.id)
        // How many of each component are new: they need room.
        var made: [String: Int] = [:]
        for index in indices {
            guard case .alias(var alias) = documents[index].document.content else { continue }
            do {
                let trial = try await cloud.labels.trial(
                    of: alias, beside: coming, made: made[alias.component] ?? 0)
                if trial.before == nil { made[alias.component, default: 0] += 1 }
                // As it is registered: build metadata is not compared.
                alias.version = trial.version
                aliases[alias.component, default: [:]][alias.name] = trial.version
                record(alias.differences(from: trial.before), isNew: trial.before == nil, at: index)
            } catch let error as StoreError {
                refuse(error, at: index)
            }
        }
        return aliases
    }
}
