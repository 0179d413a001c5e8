import Components
import HedgerowAPI
import Manifests
import Supervision

// The files of components, beside their recipes.

extension StageWork {
    /// Fetches the files that a revision needs on this core and that are not here. Its recipes are here.
    func fetchArtifacts(_ ticket: StageTicket, of revision: Hedgerow_Type_V1_GroupRevision) async throws {
        await retainArtifacts(beside: revision)
        let references = await artifacts(of: revision)
        guard !(await parts.artifacts.missing(references).isEmpty) else { return }
        try await waitForAttachment(ticket)
        let left = ticket.deadline - parts.clock.now()
        try await parts.artifacts.ensure(references, until: parts.artifacts.clock.now() + left)
    }

    /// Compares the files that a revision needs with their digests.
    func verifyArtifacts(of revision: Hedgerow_Type_V1_GroupRevision) async throws {
        guard let missing = await parts.artifacts.missing(await artifacts(of: revision)).first else { return }
        throw StagingProblem(
            description: RevisionCheck.sentence(
                revision,
                "the artifact \"\(missing.name)\" is missing or damaged on this core's disk; deploy again to fetch it"
            ))
    }

    /// Says which files must stay: those of what runs, of what the core would go back to, and of what is on its way.
    ///
    /// - Parameter keepsRest: whether others may stay too; not on a full disk.
    func retainArtifacts(beside underWay: Hedgerow_Type_V1_GroupRevision?, keepsRest: Bool = true) async {
        var digests: Set<[UInt8]> = []
        for revision in [parts.revision.current, parts.revision.previous, underWay] {
            guard let revision else { continue }
            digests.formUnion(await artifacts(of: revision).map(\.digest))
        }
        await parts.artifacts.retain(digests, keepsRest: keepsRest)
    }

    /// The files that a revision needs on this core, as its recipes say.
    private func artifacts(of revision: Hedgerow_Type_V1_GroupRevision) async -> [ArtifactReference] {
        var references: [ArtifactReference] = []
        var seen: Set<StoredRecipe.Key> = []
        for locked in (try? RevisionCheck.lock(of: revision)) ?? [] {
            let key = StoredRecipe.Key(locked)
            guard seen.insert(key).inserted, let text = try? await preparation.stored(key),
                let manifest = try? ComponentManifest.parse(
                    text, fileName: "\(locked.component)@\(locked.version)")
            else { continue }
            references += manifest.recipe.artifacts(on: parts.platform)
        }
        return references
    }
}
