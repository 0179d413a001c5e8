import Components
import GRPCCore
import HedgerowAPI
import Logging
import Manifests
import Messaging
import RPCSupport
import Supervision

// The secrets that recipes ask for.

extension StageWork {
    /// Fetches the secrets that a revision's programs read. Its recipes are here.
    func fetchSecrets(_ ticket: StageTicket, of revision: Hedgerow_Type_V1_GroupRevision) async throws {
        guard let keeper = parts.programs?.secrets else { return }
        let wanted = SecretKeeper.Wanted(
            deploymentID: ticket.record.id, group: revision.group, needs: await secrets(of: revision) ?? [])
        guard !wanted.needs.isEmpty else { return }
        var backoff = Backoff(
            initial: parts.timing.reconnect.first, maximum: parts.timing.reconnect.longest)
        while true {
            try await waitForAttachment(ticket)
            do {
                let missing = try await parts.dialer.withClient { client in
                    try await keeper.fetch(
                        wanted, from: SecretKeeper.Client(wrapping: client), within: parts.timing.recipe)
                }
                guard let first = missing.first else { return }
                throw StagingProblem(description: Self.sentence(first, more: missing.count - 1, revision))
            } catch let error as RPCError where RevisionPreparation.isTransient(error) {
                try Task.checkCancellation()
                let trouble = "\(parts.dialer.explain(error))"
                ticket.note("secrets could not be fetched (\(trouble))")
                parts.logger.debug(
                    "secrets not fetched; trying again", metadata: ["error.message": "\(trouble)"])
                try await parts.clock.sleep(backoff.next())
            } catch let error as RPCError {
                throw StagingProblem(
                    description: RevisionCheck.sentence(
                        revision, "its secrets could not be fetched: \(CallerError(error).message)"))
            }
        }
    }

    private static func sentence(
        _ need: SecretNeed, more: Int, _ revision: Hedgerow_Type_V1_GroupRevision
    ) -> String {
        RevisionCheck.sentence(
            revision,
            "component instance \"\(need.instance)\" (\(need.component) \(need.version)) reads secret \"\(need.name)\", "
                + "which group \"\(revision.group)\" has not\(more > 0 ? " (and \(more) more like that)" : ""); "
                + "set it (hedgerow secrets set \(revision.group) \(need.name)) and deploy again")
    }

    /// Removes the secrets that nothing reads: what runs, what the core would go back to, what is on its way.
    func retainSecrets(beside underWay: Hedgerow_Type_V1_GroupRevision?) async {
        guard let keeper = parts.programs?.secrets else { return }
        var kept: [String: Set<String>] = [:]
        for revision in [parts.revision.current, parts.revision.previous, underWay] {
            guard let revision else { continue }
            // A recipe that cannot be read may ask for any.
            guard let needs = await secrets(of: revision) else { return }
            kept[revision.group, default: []].formUnion(needs.map(\.name))
        }
        await keeper.retain(kept)
    }

    /// What the recipes of a revision ask for; nil where one of them is not here.
    private func secrets(of revision: Hedgerow_Type_V1_GroupRevision) async -> [SecretNeed]? {
        guard let lock = try? RevisionCheck.lock(of: revision) else { return nil }
        var needs: [SecretNeed] = []
        var known: [StoredRecipe.Key: [String]] = [:]
        for locked in lock {
            let key = StoredRecipe.Key(locked)
            if known[key] == nil {
                guard let text = try? await preparation.stored(key),
                    let manifest = try? ComponentManifest.parse(
                        text, fileName: "\(locked.component)@\(locked.version)")
                else { return nil }
                known[key] = manifest.recipe.process?.secrets ?? []
            }
            needs += (known[key] ?? []).map {
                SecretNeed(
                    name: $0, instance: locked.instance, component: locked.component,
                    version: locked.version.description)
            }
        }
        return needs
    }
}
