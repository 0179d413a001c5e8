import Components
import Foundation
import GRPCCore
import HedgerowAPI
import Manifests
import RPCSupport
import SwiftProtobuf
import Synchronization

/// A component that a fake cloud has registered.
struct FakeComponent: Sendable {
    let name: String
    let version: SemanticVersion
    let description: String
    let recipe: String

    var digest: Data { Data(repeating: UInt8(truncatingIfNeeded: version.minor), count: 32) }

    var wire: Hedgerow_Registry_V1_ComponentVersion {
        .with {
            $0.name = name
            $0.version = version.description
            $0.description_p = description
            $0.recipeDigest = digest
            $0.createTime = Google_Protobuf_Timestamp(seconds: 1_777_890_600)
            $0.groups = ["press-hall"]
        }
    }

    /// An instance that failed on a tenth of what it got.
    static func status(of entry: Hedgerow_Type_V1_LockedComponent) -> Hedgerow_Type_V1_ComponentStatus {
        .with { status in
            status.instance = entry.instance
            status.component = entry.component
            status.version = entry.version
            status.messagesIn = 1_000
            status.messagesOut = 850
            status.messagesFiltered = 50
            status.messagesFailed = 100
            status.failures = ["rare", "step 1, set.temperature (line 5): division by zero"].enumerated().map
            {
                index, cause in
                .with {
                    $0.cause = cause
                    $0.count = UInt64(1 + index * 98)
                    $0.lastTime = Google_Protobuf_Timestamp(seconds: 1_777_890_600)
                }
            }
        }
    }
}

extension FakeRegistry {
    func registerComponent(
        request: Hedgerow_Registry_V1_RegisterComponentRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_RegisterComponentResponse {
        if request.recipe.contains("only the cloud knows") {
            throw HedgerowError(
                .invalidArgument, .invalidRecipe, "the recipe has errors",
                violations: [.init(field: "5:3", description: "that is not so\n  the line\n  ^")])
        }
        let manifest = try ComponentManifest.parse(request.recipe, fileName: "recipe")
        let new = FakeComponent(
            name: manifest.recipe.name, version: manifest.recipe.version,
            description: manifest.recipe.description, recipe: request.recipe)
        let created = try cloud.state.withLock { state in
            if let old = state.components.first(where: { $0.name == new.name && $0.version == new.version }) {
                guard old.recipe == new.recipe else {
                    throw HedgerowError(
                        .alreadyExists, .alreadyExists,
                        "\(new.name) \(new.version) is registered with another recipe; raise the version")
                }
                return false
            }
            if !request.dryRun { state.components.append(new) }
            return true
        }
        return .with {
            $0.component = new.wire
            $0.created = created
        }
    }

    func getComponent(
        request: Hedgerow_Registry_V1_GetComponentRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_GetComponentResponse {
        let found = cloud.state.withLock { state in
            state.components.filter {
                $0.name == request.name
                    && (request.version.isEmpty || $0.version.description == request.version)
            }.max { $0.version < $1.version }
        }
        guard let found else {
            throw HedgerowError(.notFound, .notFound, "there is no component \(request.name)")
        }
        return .with {
            $0.component = found.wire
            $0.recipe = found.recipe
        }
    }

    func listComponents(
        request: Hedgerow_Registry_V1_ListComponentsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListComponentsResponse {
        // One a page, so that paging shows.
        let all = cloud.state.withLock { state in
            state.components.filter { request.name.isEmpty || $0.name == request.name }
                .sorted { ($0.name, $1.version) < ($1.name, $0.version) }
        }
        let index = Int(request.pageToken) ?? 0
        return .with {
            $0.components = all.indices.contains(index) ? [all[index].wire] : []
            $0.nextPageToken = index + 1 < all.count ? String(index + 1) : ""
        }
    }

    /// Resolves the instances of a definition as the cloud does.
    func resolve(_ definition: String) throws -> [Hedgerow_Type_V1_LockedComponent] {
        let group = try GroupManifest.parse(definition, fileName: "definition")
        let components = cloud.state.withLock { $0.components }
        let resolver = ComponentResolver(
            available: Dictionary(grouping: components, by: \.name).mapValues { versions in
                versions.map { ComponentCandidate(version: $0.version, recipeDigest: Array($0.digest)) }
            })
        do {
            return try resolver.resolve(group.components).lock.map { entry in
                .with {
                    $0.instance = entry.instance
                    $0.component = entry.component
                    $0.version = entry.version.description
                    $0.recipeDigest = Data(entry.recipeDigest)
                }
            }
        } catch {
            throw HedgerowError(
                .failedPrecondition, .unresolvedComponent, error.problems[0].description,
                violations: error.problems.map {
                    .init(field: $0.problem.path, description: $0.problem.message)
                })
        }
    }
}
