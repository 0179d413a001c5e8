import Components
import GRPCCore
import HedgerowAPI
import Manifests
import RPCSupport

/// What the component instances of a definition run, once chosen and checked.
struct ResolvedComponents: Sendable {
    /// One entry an instance: those of the definition in its order, then those that dependencies add.
    var lock: [LockedComponent] = []
    /// By instance: every range that is asked of it, and by whom.
    var reasons: [String: [ResolutionReason]] = [:]
    /// What is allowed and yet probably not meant.
    var warnings: [String] = []
}

extension CloudContext {
    /// Chooses the version that each component instance of a definition gets now, and checks the definition with
    /// what those versions publish.
    ///
    /// - Parameter manifest: the document that the definition was just read from, for the places of errors.
    /// - Throws: `HedgerowError` FAILED_PRECONDITION `UNRESOLVED_COMPONENT` with every instance that no version
    ///   fits; INVALID_ARGUMENT `INVALID_DEFINITION` where routes lead nowhere or in a circle.
    func resolve(
        _ definition: GroupDefinition, in manifest: GroupManifest? = nil
    ) async throws -> ResolvedComponents {
        guard !definition.components.isEmpty else {
            // Nothing to choose, and `validate()` has said everything.
            return ResolvedComponents()
        }
        let labels = try await currentLabels(of: Set(definition.components.map(\.component)))
        let resolution = try await choose(
            try Self.followingAliases(in: definition, labels, manifest), in: manifest)
        let lock = resolution.lock
        let versions = Set(lock.map { ComponentID(component: $0.component, version: $0.version) })
        let published = try await components.outputs(of: versions)
        var outputs: [String: [PublishedTopic]] = [:]
        for entry in lock {
            outputs[entry.instance] =
                published[
                    ComponentID(component: entry.component, version: entry.version)]
        }
        let settings = try await checkSettings(of: definition, lock)
        let problems = definition.validate(outputs: outputs) + settings.problems
        guard problems.isEmpty else { throw HedgerowError(problems, in: manifest) }
        return ResolvedComponents(
            lock: lock, reasons: resolution.reasons,
            warnings: definition.warnings(outputs: outputs) + settings.warnings
                + (try await deprecations(in: lock))
                + (try await missingSecrets(in: lock, of: definition.name)))
    }

    private func choose(_ definition: GroupDefinition, in manifest: GroupManifest?) async throws -> Resolution
    {
        let candidates = try await candidates(for: definition)
        do {
            // The names are for suggestions only.
            let isKnown = candidates.values.allSatisfy { !$0.isEmpty }
            return try ComponentResolver(
                available: candidates, names: isKnown ? [] : try await components.names(),
                cores: try await deployments.platforms(of: definition.cores)
            ).resolve(definition.components)
        } catch let error as UnresolvedComponents {
            throw Self.unresolved(error, in: manifest)
        }
    }

    /// Most versions that one resolution looks at.
    static let maximumCandidates = 100_000

    /// Every version of the components of a definition, and of all that these may depend on.
    func candidates(for definition: GroupDefinition) async throws -> [String: [ComponentCandidate]] {
        var candidates: [String: [ComponentCandidate]] = [:]
        var wanted = Set(definition.components.map(\.component))
        while !wanted.isEmpty {
            let found = try await components.candidates(of: wanted)
            candidates.merge(found) { $1 }
            guard candidates.values.reduce(0, { $0 + $1.count }) <= Self.maximumCandidates else {
                throw StoreError.limitReached(
                    "the components of the group and what they depend on have more than "
                        + "\(Self.maximumCandidates) versions; go on with some of them under new names")
            }
            for (name, own) in try await labels.labels(of: wanted) {
                for index in (candidates[name] ?? []).indices {
                    let version = candidates[name]?[index].version
                    candidates[name]?[index].isDeprecated =
                        version.map { own.deprecations[$0] != nil } ?? false
                }
            }
            wanted = Set(found.values.joined().lazy.flatMap(\.dependencies).map(\.component))
                .subtracting(candidates.keys)
        }
        return candidates
    }

    /// Most instances that the message itself names; the violations name up to 100.
    private static let maximumNamed = 10

    private static func unresolved(
        _ error: UnresolvedComponents, in manifest: GroupManifest?
    ) -> HedgerowError {
        let more = error.problems.count - maximumNamed
        let lines =
            error.problems.prefix(maximumNamed).map(\.description)
            + (more > 0 ? ["and \(more) more instances"] : [])
        return HedgerowError(
            .failedPrecondition, .unresolvedComponent, lines.joined(separator: "\n"),
            violations: HedgerowError.violations(error.problems.map(\.problem), in: manifest), cause: error)
    }
}
