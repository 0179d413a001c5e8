import Components
import Foundation
import GRPCCore
import HedgerowAPI
import Manifests
import RPCSupport
import SwiftProtobuf
import Synchronization

/// What a fake cloud knows of manifests, revisions, types, aliases and deprecations.
struct FakeLabels: Sendable {
    var types: [String: Hedgerow_Registry_V1_ThingType] = [:]
    /// Documents of checks, as their identities.
    var checked: [[String]] = []
    var aliases: [Hedgerow_Registry_V1_ComponentAlias] = []
    var moves: [Hedgerow_Registry_V1_ComponentAliasMove] = []
    /// How many components there were when each alias was set.
    var componentsAtAlias: [Int] = []
    /// Reasons by `NAME VERSION`.
    var deprecations: [String: String] = [:]
    /// Groups by name, as they were applied.
    var groups: [String: GroupDefinition] = [:]
    /// A name whose making fails.
    var broken = ""
}

extension FakeRegistry {
    func checkManifests(
        request: Hedgerow_Registry_V1_CheckManifestsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_CheckManifestsResponse {
        var reply = Hedgerow_Registry_V1_CheckManifestsResponse()
        var identities: [String] = []
        for (file, manifest) in request.files.enumerated() {
            for document in try ManifestDocument.parseAll(manifest.text, fileName: "\(file)") {
                identities.append(document.identity)
                if document.text.contains("unregistered") {
                    throw HedgerowError(
                        .invalidArgument, .invalidDefinition, "the definition has errors",
                        violations: [
                            .init(
                                field: "\(file):\(document.line + 3):10",
                                description: "there is no thing unregistered; create it first")
                        ])
                }
                reply.manifests.append(try checked(document, file: file))
            }
        }
        let seen = identities
        cloud.state.withLock { $0.labels.checked.append(seen) }
        return reply
    }

    private func checked(
        _ document: ManifestDocument, file: Int
    ) throws -> Hedgerow_Registry_V1_CheckedManifest {
        var result = Hedgerow_Registry_V1_CheckedManifest()
        result.file = UInt32(file)
        result.line = UInt32(document.line)
        result.change = .created
        let (things, components, labels) = cloud.state.withLock { ($0.things, $0.components, $0.labels) }
        var differences: [Difference] = []
        switch document.content {
        case .thingType(let type):
            if labels.types[type.name] != nil { result.change = .unchanged }
        case .thing(let thing):
            if things[thing.name] != nil { result.change = .unchanged }
        case .component(let manifest):
            let recipe = manifest.recipe
            if components.contains(where: { $0.name == recipe.name && $0.version == recipe.version }) {
                result.change = .unchanged
            }
        case .alias(let alias):
            let live = labels.aliases.first { $0.component == alias.component && $0.alias == alias.name }
            let version = live.flatMap { try? SemanticVersion(parsing: $0.version) }
            differences = alias.differences(from: version)
            result.change = live == nil ? .created : differences.isEmpty ? .unchanged : .changed
        case .group(let manifest):
            let live = labels.groups[manifest.definition.name]
            differences = GroupDifferences.between(live, manifest.definition)
            result.liveRevision = live == nil ? 0 : 2
            result.revision = 3
            result.change = live == nil ? .created : differences.isEmpty ? .unchanged : .changed
            do {
                result.lock = try resolve(document.text)
            } catch let error as HedgerowError {
                let problems = error.violations.map {
                    DefinitionProblem(path: $0.field, message: $0.description)
                }
                throw HedgerowError(
                    error.code, error.reason, error.message,
                    violations: document.locate(problems).map {
                        .init(field: "\(file):\($0.line):\($0.column)", description: $0.message)
                    })
            }
            result.warnings = result.lock.map { "dead letters of component:\($0.instance) go nowhere" }
        }
        result.differences = differences.map { difference in
            .with {
                $0.section = difference.section
                $0.subject = difference.subject
                $0.setting = difference.setting
                $0.from = difference.from
                $0.to = difference.to
                $0.kind =
                    difference.kind == .added ? .added : difference.kind == .removed ? .removed : .changed
            }
        }
        return result
    }

    // MARK: Things

    func setThingAttributes(
        request: Hedgerow_Registry_V1_SetThingAttributesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_SetThingAttributesResponse {
        try cloud.state.withLock { state in
            guard var thing = state.things[request.name] else {
                throw HedgerowError(.notFound, .notFound, "there is no thing \(request.name)")
            }
            if request.replace { thing.attributes = [:] }
            thing.attributes.merge(request.attributes) { $1 }
            for key in request.removeAttributes { thing.attributes[key] = nil }
            if request.hasType { thing.type = request.type }
            let changed = thing != state.things[request.name]
            state.things[request.name] = thing
            return .with {
                $0.thing = thing
                $0.changed = changed
            }
        }
    }

    func putThingType(
        request: Hedgerow_Registry_V1_PutThingTypeRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_PutThingTypeResponse {
        cloud.state.withLock { state in
            let created = state.labels.types.updateValue(request.type, forKey: request.type.name) == nil
            return .with {
                $0.created = created
                $0.changed = true
            }
        }
    }

    func listThingTypes(
        request: Hedgerow_Registry_V1_ListThingTypesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListThingTypesResponse {
        let types = cloud.state.withLock { $0.labels.types.values.sorted { $0.name < $1.name } }
        return .with { $0.types = types }
    }

    func deleteThingType(
        request: Hedgerow_Registry_V1_DeleteThingTypeRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeleteThingTypeResponse {
        let known = cloud.state.withLock { $0.labels.types.removeValue(forKey: request.name) != nil }
        if !known { throw HedgerowError(.notFound, .notFound, "there is no type \(request.name)") }
        return .init()
    }

    // MARK: Revisions

    private static let summaries: [Hedgerow_Registry_V1_GroupRevisionSummary] = [
        .with {
            $0.revision = 3
            $0.createTime = Google_Protobuf_Timestamp(seconds: 1_777_890_600)
            $0.author = "ann"
            $0.summary = "+ things lamp"
            $0.deploymentCount = 1
            $0.deployments = [
                .with {
                    $0.id = "d-3"
                    $0.outcome = .failed
                    $0.coreCount = 2
                    $0.succeededCount = 1
                }
            ]
        },
        .with {
            $0.revision = 2
            $0.createTime = Google_Protobuf_Timestamp(seconds: 1_777_800_600)
            $0.author = "bob"
            $0.summary = "streams ~1"
        },
    ]

    func listGroupRevisions(
        request: Hedgerow_Registry_V1_ListGroupRevisionsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListGroupRevisionsResponse {
        // One a page, so that paging shows.
        let index = Int(request.pageToken) ?? 0
        return .with {
            $0.revisions = [Self.summaries[index]]
            $0.nextPageToken = index == 0 ? "1" : ""
        }
    }

    func getGroupRevision(
        request: Hedgerow_Registry_V1_GetGroupRevisionRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_GetGroupRevisionResponse {
        guard let summary = Self.summaries.first(where: { $0.revision == request.revision }) else {
            throw HedgerowError(.notFound, .notFound, "there is no revision \(request.revision)")
        }
        return .with {
            $0.revision.group = request.group
            $0.revision.revision = request.revision
            $0.revision.cores = ["pi-1"]
            $0.revision.things = ["a", "b"]
            $0.revision.written.selectors = ["type=bme680"]
            $0.summary = summary
        }
    }

    // MARK: Labels

    func setComponentAlias(
        request: Hedgerow_Registry_V1_SetComponentAliasRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_SetComponentAliasResponse {
        cloud.state.withLock { state in
            let before = state.labels.aliases.first {
                $0.component == request.component && $0.alias == request.alias
            }
            let alias = Hedgerow_Registry_V1_ComponentAlias.with {
                $0.component = request.component
                $0.alias = request.alias
                $0.version = request.version
                $0.author = "ann"
            }
            state.labels.aliases.removeAll { $0 == before }
            state.labels.aliases.append(alias)
            state.labels.componentsAtAlias.append(state.components.count)
            state.labels.moves.insert(
                .with {
                    $0.component = request.component
                    $0.alias = request.alias
                    $0.fromVersion = before?.version ?? ""
                    $0.toVersion = request.version
                    $0.author = "ann"
                }, at: 0)
            return .with {
                $0.alias = alias
                $0.fromVersion = before?.version ?? ""
            }
        }
    }

    func deleteComponentAlias(
        request: Hedgerow_Registry_V1_DeleteComponentAliasRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeleteComponentAliasResponse {
        cloud.state.withLock { state in
            state.labels.aliases.removeAll {
                $0.component == request.component && $0.alias == request.alias
            }
        }
        return .init()
    }

    func listComponentAliases(
        request: Hedgerow_Registry_V1_ListComponentAliasesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListComponentAliasesResponse {
        let aliases = cloud.state.withLock { $0.labels.aliases }
        return .with { $0.aliases = aliases }
    }

    func listComponentAliasMoves(
        request: Hedgerow_Registry_V1_ListComponentAliasMovesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListComponentAliasMovesResponse {
        let moves = cloud.state.withLock { $0.labels.moves }
        return .with { $0.moves = moves }
    }

    func deprecateComponent(
        request: Hedgerow_Registry_V1_DeprecateComponentRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeprecateComponentResponse {
        cloud.state.withLock {
            $0.labels.deprecations["\(request.component) \(request.version)"] =
                request.undo ? nil : request.reason
        }
        return .init()
    }
}
