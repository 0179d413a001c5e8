import Components
import Foundation
import GRPCCore
import HedgerowAPI
import Manifests
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport

struct FakeRegistry: Hedgerow_Registry_V1_RegistryService.SimpleServiceProtocol {
    let cloud: FakeCloud

    func createThing(
        request: Hedgerow_Registry_V1_CreateThingRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_CreateThingResponse {
        let thing = try cloud.state.withLock { state in
            guard state.things[request.name] == nil else {
                throw HedgerowError(
                    .alreadyExists, .alreadyExists, "there is a thing \(request.name) already")
            }
            let thing = Hedgerow_Registry_V1_Thing.with {
                $0.name = request.name
                $0.kind = request.kind
                $0.attributes = request.attributes
                $0.type = request.type
            }
            state.things[request.name] = thing
            return thing
        }
        return .with { $0.thing = thing }
    }

    func getThing(
        request: Hedgerow_Registry_V1_GetThingRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_GetThingResponse {
        guard let thing = cloud.state.withLock({ $0.things[request.name] }) else {
            throw HedgerowError(.notFound, .notFound, "there is no thing \(request.name)")
        }
        return .with { $0.thing = thing }
    }

    func listThings(
        request: Hedgerow_Registry_V1_ListThingsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListThingsResponse {
        // One a page, so that paging shows.
        let all = cloud.state.withLock { $0.things.values.sorted { $0.name < $1.name } }
        let index = Int(request.pageToken) ?? 0
        return .with {
            $0.things = all.indices.contains(index) ? [all[index]] : []
            $0.nextPageToken = index + 1 < all.count ? String(index + 1) : ""
        }
    }

    func deleteThing(
        request: Hedgerow_Registry_V1_DeleteThingRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeleteThingResponse {
        throw HedgerowError(.failedPrecondition, .inUse, "the group press-hall names \(request.name)")
    }

    func createToken(
        request: Hedgerow_Registry_V1_CreateTokenRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_CreateTokenResponse {
        .with {
            $0.tokenFile = "{\"role\": \"\(request.role)\"}\n"
            $0.expireTime = Google_Protobuf_Timestamp(seconds: 1_777_890_600)
        }
    }

    func revokeCertificates(
        request: Hedgerow_Registry_V1_RevokeCertificatesRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_RevokeCertificatesResponse {
        .with { $0.revokedCount = 2 }
    }

    func applyGroup(
        request: Hedgerow_Registry_V1_ApplyGroupRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ApplyGroupResponse {
        if request.definition.contains("unregistered") {
            throw HedgerowError(
                .invalidArgument, .invalidDefinition, "the definition has errors",
                violations: [
                    .init(field: "4:10", description: "there is no thing unregistered; create it first")
                ])
        }
        let lock = try resolve(request.definition)
        let definition = try GroupManifest.parse(request.definition, fileName: "definition")
        try cloud.state.withLock { state in
            if state.labels.broken == definition.name {
                throw HedgerowError(.unavailable, .storageFailed, "the disk is full")
            }
            state.definitions.append(request.definition)
            if !request.dryRun {
                state.lock = lock
                state.labels.groups[definition.name] = definition
            }
        }
        return .with {
            $0.revision.revision = 3
            $0.changed = true
            $0.lock = lock
            $0.warnings = lock.map { "dead letters of component:\($0.instance) go nowhere" }
        }
    }

    func getGroup(
        request: Hedgerow_Registry_V1_GetGroupRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_GetGroupResponse {
        .with { $0.group = group }
    }

    func listGroups(
        request: Hedgerow_Registry_V1_ListGroupsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListGroupsResponse {
        .with { $0.groups = [group] }
    }

    func rotateGroupAuthority(
        request: Hedgerow_Registry_V1_RotateGroupAuthorityRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_RotateGroupAuthorityResponse {
        .with {
            $0.authority.fingerprint = "0123456789abcdef0123"
            $0.notifiedCores = 1
        }
    }

    /// The group, with what was applied last running on its core.
    private var group: Hedgerow_Registry_V1_Group {
        var group = Self.group
        for entry in cloud.state.withLock({ $0.lock }) {
            group.newestRevision.components.append(
                .with {
                    $0.name = entry.instance
                    // Left out on the wire where it is the same.
                    $0.component = entry.component == entry.instance ? "" : entry.component
                    $0.version = "^1"
                })
            group.cores[0].components.append(FakeComponent.status(of: entry))
        }
        return group
    }

    private static let group = Hedgerow_Registry_V1_Group.with { group in
        group.name = "press-hall"
        group.newestRevision = .with {
            $0.group = "press-hall"
            $0.revision = 3
            $0.cores = ["pi-1"]
            $0.things = ["bme680-1"]
            $0.subscriptions = [
                .with {
                    $0.from = "thing:bme680-1"
                    $0.topicFilter = "bme680/#"
                    $0.to = "cloud"
                }
            ]
            $0.streams = [.with { $0.name = "default" }]
        }
        group.cores = [
            .with {
                $0.core = "pi-1"
                $0.activeRevision = 2
                $0.endpoints = [
                    .with {
                        $0.host = "fe80::1"
                        $0.port = 8_883
                    }
                ]
            }
        ]
    }
}
