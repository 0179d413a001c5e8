import Components
import FoundationEssentials
import GRDB
import GRPCCore
import HedgerowAPI
import Logging
import RPCSupport

/// Prepares a revision: fetches the recipes that are not on this core's disk, checks and compiles all of them.
///
/// Changes nothing; a failure leaves the core as it was.
struct RevisionStager: Sendable {
    /// How recipes are come by.
    typealias Fetch = @Sendable (LockedComponent) async throws -> Hedgerow_Deployment_V1_GetRecipeResponse

    let core: String
    let database: DatabasePool
    let timing: CoreConfiguration.Timing
    let logger: Logger

    /// Attempts to fetch one recipe.
    static let maximumAttempts = 3

    /// Prepares a revision.
    ///
    /// - Throws: ``StagingProblem``, or `CancellationError`.
    func stage(_ revision: Hedgerow_Type_V1_GroupRevision, fetch: Fetch) async throws -> StagedRevision {
        if let problem = RevisionCheck.problem(with: revision, core: core) {
            throw StagingProblem(description: problem)
        }
        let lock: [LockedComponent]
        do {
            lock = try RevisionCheck.lock(of: revision)
        } catch {
            throw StagingProblem(description: RevisionCheck.sentence(revision, "\(error)"))
        }
        var texts: [StoredRecipe.Key: String] = [:]
        var compiler = RecipeCompiler()
        var components: [RunningComponent] = []
        for locked in lock {
            try Task.checkCancellation()
            let key = StoredRecipe.Key(locked)
            var text = texts[key]
            if text == nil { text = try await stored(key) }
            if text == nil { text = try await fetchGenuine(locked, of: revision, fetch: fetch) }
            guard let text else { continue }
            texts[key] = text
            do {
                components.append(try compiler.compile(locked, text: text))
            } catch {
                throw problem(locked, of: revision, error.description)
            }
        }
        if let problem = RevisionCheck.problem(with: revision, components: components) {
            throw StagingProblem(description: problem)
        }
        return StagedRevision(
            revision, recipes: texts.map { StoredRecipe(key: $0.key, text: $0.value) }, components: components
        )
    }

    /// A recipe on this core's disk; nil where there is none, or none that is undamaged.
    private func stored(_ key: StoredRecipe.Key) async throws -> String? {
        do {
            let text = try await database.read { db in try StoredRecipe.text(db, key) }
            return text.flatMap { StoredRecipe.isGenuine($0, digest: key.digest) ? $0 : nil }
        } catch let error as DatabaseError {
            logger.warning("stored recipe not read; fetching it", metadata: ["error.message": "\(error)"])
            return nil
        }
    }

    private func fetchGenuine(
        _ locked: LockedComponent, of revision: Hedgerow_Type_V1_GroupRevision, fetch: Fetch
    ) async throws -> String {
        var backoff = Backoff(initial: timing.reconnect.first, maximum: timing.reconnect.longest)
        for attempt in 1... {
            do {
                let answer = try await fetch(locked)
                guard StoredRecipe.isGenuine(answer.recipe, digest: locked.recipeDigest) else {
                    throw problem(
                        locked, of: revision,
                        "the recipe that the cloud sent is not the one that the deployment names (the SHA-256 differs)"
                    )
                }
                return answer.recipe
            } catch let error as RPCError {
                try Task.checkCancellation()
                guard attempt < Self.maximumAttempts, Self.isTransient(error) else {
                    throw problem(
                        locked, of: revision, "its recipe could not be fetched: \(CallerError(error).message)"
                    )
                }
                logger.debug("recipe not fetched; trying again", metadata: ["error.message": "\(error)"])
                try await Task.sleep(for: backoff.next())
            }
        }
        throw CancellationError()
    }

    private static func isTransient(_ error: RPCError) -> Bool {
        switch error.code {
        case .unavailable, .deadlineExceeded, .resourceExhausted, .aborted, .cancelled: true
        default: false
        }
    }

    private func problem(
        _ locked: LockedComponent, of revision: Hedgerow_Type_V1_GroupRevision, _ cause: String
    ) -> StagingProblem {
        StagingProblem(
            description: RevisionCheck.sentence(
                revision,
                "component instance \"\(locked.instance)\" (\(locked.component) \(locked.version)): \(cause)")
        )
    }
}
