public import FoundationEssentials
import GRPCCore
public import HedgerowAPI
import Identity
import PKI
public import RPCSupport
import SwiftProtobuf

/// What an operator does, in the words of a test.
extension Fleet {
    /// One core, one thing, everything that the thing publishes goes to the cloud.
    public static let simpleGroup = """
        kind: Group
        name: hall
        cores: [core-1]
        things: [thing-1]
        subscriptions:
          - {from: "thing:*", topic: "#", to: cloud}
        """

    // MARK: Registry

    /// Registers cores and things.
    public func register(cores: [String], things: [String]) async throws {
        try await operate { client in
            let registry = Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
            for (names, kind) in [(cores, Hedgerow_Registry_V1_ThingKind.core), (things, .thing)] {
                for name in names {
                    _ = try await registry.createThing(
                        .with {
                            $0.name = name
                            $0.kind = kind
                        })
                }
            }
        }
    }

    /// Applies a group's definition.
    public func apply(_ definition: String) async throws {
        _ = try await operate { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                .applyGroup(.with { $0.definition = definition })
        }
    }

    /// Deploys the group of a definition, applying that first, and waits until every core runs it and discovery
    /// knows where they are.
    public func deploy(_ definition: String, waiting: Bool = true) async throws {
        let revision = try await operate { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                .applyGroup(.with { $0.definition = definition }).revision
        }
        let deployment = try await operate { client in
            try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
                .createDeployment(.with { $0.group = revision.group }).deployment
        }
        guard waiting else { return }
        try await operate { client in
            let deployments = Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
            let registry = Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
            try await eventually("\(revision.group) is deployed") {
                let cores = try await deployments.getDeployment(.with { $0.id = deployment.id }).deployment
                    .cores
                if let failed = cores.first(where: { $0.status.rawValue > 3 }) {
                    throw Missing("the deployment failed: \(failed.reason)")
                }
                return cores.allSatisfy { $0.status == .succeeded }
            }
            try await eventually("the cloud knows where the cores are") {
                let group = try await registry.getGroup(.with { $0.name = revision.group }).group
                return group.cores.allSatisfy { core in
                    guard let port = try? self.port(ofCore: core.core) else { return false }
                    return core.endpoints.contains { Int($0.port) == port }
                }
            }
        }
    }

    /// Deletes a thing.
    public func delete(_ name: String) async throws {
        _ = try await operate { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                .deleteThing(.with { $0.name = name })
        }
    }

    /// Revokes every certificate of an identity; returns how many.
    @discardableResult
    public func revoke(_ role: Hedgerow_Registry_V1_IdentityRole, _ name: String) async throws -> UInt32 {
        try await operate { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                .revokeCertificates(
                    .with {
                        $0.role = role
                        $0.name = name
                    }
                ).revokedCount
        }
    }

    /// Replaces a group's authority.
    @discardableResult
    public func rotateAuthority(_ group: String) async throws
        -> Hedgerow_Registry_V1_RotateGroupAuthorityResponse
    {
        try await operate { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                .rotateGroupAuthority(.with { $0.group = group })
        }
    }

    // MARK: Telemetry

    /// All of the history that a query finds, newest first, page by page.
    public func history(
        thing: String = "", filter: String = "", from start: Date? = nil, until end: Date? = nil,
        pageSize: UInt32 = 1_000
    ) async throws -> [MessageRecord] {
        try await operate { client in
            let telemetry = TelemetryService.Client(wrapping: client)
            var request = Hedgerow_Telemetry_V1_QueryRequest()
            request.thing = thing
            request.topicFilter = filter
            request.pageSize = pageSize
            if let start { request.startTime = Self.timestamp(start) }
            if let end { request.endTime = Self.timestamp(end) }
            var records: [MessageRecord] = []
            repeat {
                let page = try await telemetry.query(request)
                guard page.records.count <= Int(pageSize) else {
                    throw Missing("a page of \(page.records.count)")
                }
                records += page.records
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            return records
        }
    }

    /// Waits until the history of a thing has so many messages, and returns them.
    @discardableResult
    public func history(
        thing: String = "", filter: String = "", count: Int, within: Duration = .seconds(30)
    ) async throws -> [MessageRecord] {
        var last = 0
        do {
            return try await eventually("\(count) messages in the history", within: within) {
                let records = try await self.history(thing: thing, filter: filter)
                last = records.count
                return records.count >= count ? records : nil
            }
        } catch let error as DidNotHappen {
            throw DidNotHappen(description: "\(error) (\(last) were there)")
        }
    }

    /// The account of a thing.
    public func ledger(_ thing: String) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse {
        try await operate { client in
            try await TelemetryService.Client(wrapping: client).getLedger(.with { $0.thing = thing })
        }
    }

    private static func timestamp(_ date: Date) -> Google_Protobuf_Timestamp {
        Microseconds.timestamp(Int64((date.timeIntervalSince1970 * 1_000_000).rounded()))
    }
}

extension MessageRecord {
    /// The value of a field as a number.
    public func number(_ field: String = "value") -> Double? {
        message.reading.values[field].map { value in
            switch value.kind {
            case .doubleValue(let number)?: number
            case .integerValue(let number)?: Double(number)
            default: .nan
            }
        }
    }
}

/// The error of ours that a call ends with.
///
/// - Throws: ``DidNotHappen`` where it ends with none; any other error that it ends with.
public func expectRefusal<Value>(_ body: () async throws -> Value) async throws -> HedgerowError {
    do {
        _ = try await body()
    } catch let error as RPCError {
        guard let ours = HedgerowError(error) else { throw error }
        return ours
    }
    throw DidNotHappen(description: "the call was not refused")
}
