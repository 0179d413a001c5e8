import Components
import GRPCCore
import HedgerowAPI
import Manifests
import RPCSupport

/// What the component instances of a definition run, once chosen and checked.
struct ResolvedComponents: Sendable {
    /// One entry an instance, in the order of the definition.
    var lock: [LockedComponent] = []
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
        let candidates = try await components.candidates(of: Set(definition.components.map(\.component)))
        let lock: [LockedComponent]
        do {
            // The names are for suggestions only.
            let isKnown = candidates.values.allSatisfy { !$0.isEmpty }
            let names = isKnown ? [] : try await components.names()
            lock = try ComponentResolver(available: candidates, names: names).resolve(definition.components)
        } catch let error as UnresolvedComponents {
            throw Self.unresolved(error, in: manifest)
        }
        let versions = Set(lock.map { ComponentID(component: $0.component, version: $0.version) })
        let published = try await components.outputs(of: versions)
        var outputs: [String: [PublishedTopic]] = [:]
        for entry in lock {
            outputs[entry.instance] =
                published[
                    ComponentID(component: entry.component, version: entry.version)]
        }
        let problems = definition.validate(outputs: outputs)
        guard problems.isEmpty else { throw HedgerowError(problems, in: manifest) }
        return ResolvedComponents(lock: lock, warnings: definition.warnings(outputs: outputs))
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
