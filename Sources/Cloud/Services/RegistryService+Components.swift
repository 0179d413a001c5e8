import Components
import Crypto
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import Manifests
import RPCSupport

extension RegistryService {
    /// Most characters of a description that lists show.
    private static let maximumDescription = 256
    /// Most groups that are named with a version.
    private static let maximumGroups = 100

    func registerComponent(
        request: Hedgerow_Registry_V1_RegisterComponentRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_RegisterComponentResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let manifest = try Self.parseRecipe(request.recipe)
        let recipe = manifest.recipe
        let new = ComponentRecord(
            name: recipe.name, version: recipe.version,
            // One line in lists; the recipe has all of it.
            description: String(
                recipe.description.prefix { !$0.isNewline }.prefix(Self.maximumDescription)),
            digest: Array(SHA256.hash(data: Data(request.recipe.utf8))), createTime: cloud.now,
            outputs: manifest.work.outputs)
        let (stored, created) = try await cloud.components.register(
            RegisteredRecipe(
                component: new, text: request.recipe, artifacts: recipe.allArtifacts,
                requirements: ComponentRequirements(manifest)),
            dryRun: request.dryRun)
        if created && !request.dryRun {
            cloud.logger.notice(
                "component registered",
                metadata: ["component": "\(stored.name)", "version": "\(stored.version)"])
        }
        var response = Hedgerow_Registry_V1_RegisterComponentResponse()
        response.component = try await wire([stored]).first ?? .init()
        response.created = created
        response.warnings = manifest.warnings.prefix(RequestCheck.maximumViolations).map {
            "line \($0.line), column \($0.column): \($0.message)"
        }
        if request.dryRun, created {
            response.warnings += try await cloud.artifacts.index.missing(recipe.allArtifacts).map {
                "artifact \"\($0.name)\" (SHA-256 \(ArtifactDigest.text($0.digest))) is not in the cloud yet"
            }
        }
        return response
    }

    private static func parseRecipe(_ text: String) throws(HedgerowError) -> ComponentManifest {
        do throws(ManifestErrors) {
            return try ComponentManifest.parse(text, fileName: "recipe")
        } catch {
            throw HedgerowError(.invalidRecipe, error, what: "recipe")
        }
    }

    func getComponent(
        request: Hedgerow_Registry_V1_GetComponentRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_GetComponentResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let (name, version) = try Self.reference(request.name, request.version)
        guard let recipe = try await cloud.components.recipe(of: name, version: version) else {
            throw try await unknown(name)
        }
        var response = Hedgerow_Registry_V1_GetComponentResponse()
        response.component = try await wire([recipe.component]).first ?? .init()
        response.recipe = recipe.text
        return response
    }

    func listComponents(
        request: Hedgerow_Registry_V1_ListComponentsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListComponentsResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let size = try Paging.size(request.pageSize)
        let isOfOne = !request.name.isEmpty
        if isOfOne { _ = try Self.reference(request.name, "") }
        let list = "components/\(request.name)"
        let last = try Paging.last(in: request.pageToken, list: list)
        let records: [ComponentRecord]
        if isOfOne {
            let below = try last.map(Self.version(inToken:))
            records = try await cloud.components.versions(of: request.name, below: below, limit: size + 1)
            if records.isEmpty, below == nil { throw try await unknown(request.name) }
        } else {
            records = try await cloud.components.components(after: last ?? "", limit: size + 1)
        }
        let page = Paging.page(try await wire(records), size: size)
        var response = Hedgerow_Registry_V1_ListComponentsResponse()
        response.components = page.entries
        if page.more, let last = page.entries.last {
            response.nextPageToken = Paging.token(list: list, after: isOfOne ? last.version : last.name)
        }
        return response
    }

    // MARK: Fields

    /// Checks a component's name and version; no version where that is empty.
    static func reference(
        _ name: String, _ version: String, _ nameField: String = "name"
    ) throws(HedgerowError) -> (name: String, version: SemanticVersion?) {
        var check = RequestCheck()
        check.name(name, nameField)
        var parsed: SemanticVersion?
        if !version.isEmpty {
            do throws(InvalidVersion) {
                parsed = try SemanticVersion(parsing: version)
            } catch {
                check.require(false, "version", error.description)
            }
        }
        try check.finish()
        return (name, parsed)
    }

    private static func version(inToken text: String) throws(HedgerowError) -> SemanticVersion {
        do throws(InvalidVersion) {
            return try SemanticVersion(parsing: text)
        } catch {
            throw Paging.foreignToken
        }
    }

    /// What to say where a component, or the version of it that was asked for, does not exist.
    private func unknown(_ name: String) async throws -> StoreError {
        let highest = try await cloud.components.versions(of: name, below: nil, limit: 5)
        if !highest.isEmpty {
            let versions = highest.map(\.version.description).joined(separator: ", ")
            return .notFound("component \"\(name)\" has no such version; its highest are \(versions)")
        }
        let near = Suggestion.nearest(to: name, in: try await cloud.components.names())
        return .notFound(
            "no component named \"\(name)\" is registered; "
                + (near.map { "did you mean \"\($0)\"?" } ?? "push its recipe (hedgerow components push FILE)")
        )
    }

    private func wire(_ records: [ComponentRecord]) async throws -> [Hedgerow_Registry_V1_ComponentVersion] {
        let groups = try await cloud.components.groups(
            running: records.map { ComponentID(component: $0.name, version: $0.version) },
            limit: Self.maximumGroups)
        let labels = try await cloud.labels.labels(of: Set(records.map(\.name)))
        return records.map { record in
            let id = ComponentID(component: record.name, version: record.version)
            var message = Hedgerow_Registry_V1_ComponentVersion(record, groups: groups[id] ?? [])
            message.deprecationReason = labels[record.name]?.deprecations[record.version] ?? ""
            message.aliases = (labels[record.name]?.aliases ?? [:])
                .filter { $0.value == record.version }.keys.sorted()
            return message
        }
    }
}
