import Components
import FoundationEssentials
import GRDB
import GRPCCore
import HedgerowAPI
import Logging
import RPCSupport

/// What a revision needs before it can be switched to: its recipes on disk, checked and compiled.
///
/// Changes nothing that runs.
struct RevisionPreparation: Sendable {
    /// How a recipe is come by.
    typealias Fetch = @Sendable (LockedComponent) async throws -> Hedgerow_Deployment_V1_GetRecipeResponse

    let core: String
    let database: DatabasePool
    let commit: DeploymentCommit
    /// What this core runs on.
    let platform: Platform
    let logger: Logger

    /// What this core does not have of a revision, each recipe once.
    ///
    /// - Throws: ``StagingProblem`` where the core cannot run the revision, whatever it fetches.
    func missing(of revision: Hedgerow_Type_V1_GroupRevision) async throws -> [LockedComponent] {
        if let problem = RevisionCheck.problem(with: revision, core: core) {
            throw StagingProblem(description: problem)
        }
        var seen: Set<StoredRecipe.Key> = []
        var missing: [LockedComponent] = []
        for locked in try lock(of: revision) where seen.insert(StoredRecipe.Key(locked)).inserted {
            if try await stored(StoredRecipe.Key(locked)) == nil { missing.append(locked) }
        }
        return missing
    }

    /// Fetches one recipe and keeps it.
    ///
    /// - Throws: `RPCError` where another attempt may help, ``StagingProblem`` where none does.
    func fetch(
        _ locked: LockedComponent, of revision: Hedgerow_Type_V1_GroupRevision, by fetch: Fetch
    ) async throws {
        let answer: Hedgerow_Deployment_V1_GetRecipeResponse
        do {
            answer = try await fetch(locked)
        } catch let error as RPCError where !Self.isTransient(error) {
            throw problem(
                locked, of: revision, "its recipe could not be fetched: \(CallerError(error).message)")
        }
        guard StoredRecipe.isGenuine(answer.recipe, digest: locked.recipeDigest) else {
            throw problem(
                locked, of: revision,
                "the recipe that the cloud sent is not the one that the deployment names (the SHA-256 differs)"
            )
        }
        let recipe = StoredRecipe(key: StoredRecipe.Key(locked), text: answer.recipe)
        try await commit(true) { try recipe.save($0) }
    }

    /// Compares the digests of all recipes with the lock and compiles them.
    ///
    /// - Throws: ``StagingProblem``, `CancellationError`.
    func verified(_ revision: Hedgerow_Type_V1_GroupRevision) async throws -> StagedRevision {
        if let problem = RevisionCheck.problem(with: revision, core: core) {
            throw StagingProblem(description: problem)
        }
        var compiler = RecipeCompiler(platform: platform)
        var components: [RunningComponent] = []
        let instances = GroupDefinition.instances(of: revision)
        for locked in try lock(of: revision) {
            try Task.checkCancellation()
            guard let text = try await stored(StoredRecipe.Key(locked)) else {
                throw problem(locked, of: revision, "its recipe is missing or damaged on this core's disk")
            }
            do {
                components.append(try compiler.compile(locked, as: instances[locked.instance], text: text))
            } catch {
                throw problem(locked, of: revision, error.description)
            }
        }
        if let problem = RevisionCheck.problem(with: revision, components: components) {
            throw StagingProblem(description: problem)
        }
        return StagedRevision(revision, components: components)
    }

    /// Whether a later attempt may succeed.
    static func isTransient(_ error: RPCError) -> Bool {
        switch error.code {
        case .unavailable, .deadlineExceeded, .resourceExhausted, .aborted, .cancelled: true
        default: false
        }
    }

    private func lock(
        of revision: Hedgerow_Type_V1_GroupRevision
    ) throws(StagingProblem) -> [LockedComponent] {
        do {
            return try RevisionCheck.lock(of: revision)
        } catch {
            throw StagingProblem(description: RevisionCheck.sentence(revision, "\(error)"))
        }
    }

    /// A recipe on this core's disk; nil where there is none, or none that is undamaged.
    func stored(_ key: StoredRecipe.Key) async throws -> String? {
        do {
            let text = try await database.read { db in try StoredRecipe.text(db, key) }
            return text.flatMap { StoredRecipe.isGenuine($0, digest: key.digest) ? $0 : nil }
        } catch let error as DatabaseError {
            logger.warning("stored recipe not read; fetching it", metadata: ["error.message": "\(error)"])
            return nil
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
