public import Foundation
public import GRPCCore
public import GRPCNIOTransportHTTP2Posix
public import HedgerowAPI
import Logging
import PKI
public import RPCSupport
import SwiftProtobuf

/// The operator of a fleet: calls the cloud's API in process, under an identity that it enrolled for.
public struct FleetOperator: Sendable {
    /// The connection's parts.
    public typealias Transport = HTTP2ClientTransport.Posix

    private let dialer: CloudDialer
    private let fleet: ProcessFleet

    /// Enrols with the token file that the cloud wrote at its first start.
    public init(enrollingIn fleet: ProcessFleet) async throws {
        let token = try TokenFile.read(from: fleet.cloudState + "/operator.token")
        let directory = IdentityDirectory(path: fleet.statePath("operator"))
        let logger = Logger(label: "operator") { _ in SwiftLogNoOpLogHandler() }
        let identity = try await Enrollment.enroll(tokenFile: token, directory: directory, logger: logger)
        dialer = CloudDialer(identity: try CurrentIdentity(identity, directory: directory))
        self.fleet = fleet
    }

    /// Calls the cloud over a connection of its own; again while it does not answer, until a deadline.
    public func call<Value: Sendable>(
        within deadline: Duration = .seconds(30),
        _ body: @Sendable (GRPCClient<Transport>) async throws -> Value
    ) async throws -> Value {
        let end = ContinuousClock.now + deadline
        while true {
            do {
                return try await dialer.withClient(body)
            } catch let error as RPCError where error.code == .unavailable && ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    // MARK: Fleet

    /// Registers cores and things, and writes their token files.
    public func register(cores: [String], things: [String]) async throws {
        let members =
            cores.map { ($0, Hedgerow_Registry_V1_ThingKind.core, Hedgerow_Registry_V1_IdentityRole.core) }
            + things.map { ($0, .thing, .thing) }
        try await call { [fleet] client in
            let registry = Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
            for (name, kind, role) in members {
                _ = try await registry.createThing(
                    .with {
                        $0.requestID = "make-\(name)"
                        $0.name = name
                        $0.kind = kind
                    })
                let token = try await registry.createToken(
                    .with {
                        $0.role = role
                        $0.name = name
                    })
                try token.tokenFile.write(toFile: fleet.tokenPath(name), atomically: true, encoding: .utf8)
            }
        }
    }

    /// Applies a group in which everything that the things publish goes to the cloud.
    public func apply(group: String, cores: [String], things: [String]) async throws {
        let definition = """
            kind: Group
            name: \(group)
            cores: [\(cores.joined(separator: ", "))]
            things: [\(things.joined(separator: ", "))]
            subscriptions:
              - {from: "thing:*", topic: "#", to: cloud}
            """
        try await apply(definition)
    }

    /// Applies a group definition.
    @discardableResult
    public func apply(_ definition: String) async throws -> Hedgerow_Registry_V1_ApplyGroupResponse {
        try await call { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                .applyGroup(.with { $0.definition = definition })
        }
    }

    /// Registers a version of a component.
    @discardableResult
    public func push(_ recipe: String) async throws -> Hedgerow_Registry_V1_RegisterComponentResponse {
        try await call { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                .registerComponent(.with { $0.recipe = recipe })
        }
    }

    /// A group as the cloud knows it.
    public func group(_ name: String) async throws -> Hedgerow_Registry_V1_Group {
        try await call { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                .getGroup(.with { $0.name = name }).group
        }
    }

    /// Everything that is stored of a thing under a topic filter.
    public func records(of thing: String, topic: String) async throws -> [Hedgerow_Type_V1_Record] {
        try await call(within: .seconds(60)) { client in
            let telemetry = TelemetryService.Client(wrapping: client)
            var records: [Hedgerow_Type_V1_Record] = []
            var request = Hedgerow_Telemetry_V1_QueryRequest()
            request.thing = thing
            request.topicFilter = topic
            request.pageSize = 2_000
            repeat {
                let page = try await telemetry.query(request)
                records += page.records
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            return records
        }
    }

    /// What the ledger says of a thing: its first page, which has the totals.
    public func ledger(of thing: String) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse {
        try await call { client in
            try await TelemetryService.Client(wrapping: client).getLedger(.with { $0.thing = thing })
        }
    }

    /// Deploys a group and waits until every core runs it.
    public func deploy(group: String) async throws {
        let refusals = try await waitForDeployment(
            try await startDeployment(group: group), within: .seconds(60))
        if let refusal = refusals.first { throw DidNotHappen(description: refusal) }
    }

    /// Deploys the newest revision of a group.
    ///
    /// - Returns: the deployment's id.
    public func startDeployment(group: String) async throws -> String {
        let request = "deploy-\(group)-\(UInt64.random(in: .min ... .max))"
        return try await call { client in
            try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
                .createDeployment(
                    .with {
                        $0.requestID = request
                        $0.group = group
                    }
                ).deployment.id
        }
    }

    /// Waits until every core of a deployment runs it or says why not.
    ///
    /// - Returns: who refuses it, and why.
    /// - Throws: ``DidNotHappen`` at the deadline.
    public func waitForDeployment(_ id: String, within deadline: Duration) async throws -> [String] {
        try await eventually("deployment \(id) is at its end everywhere", within: deadline) {
            let deployment = try await call { client in
                try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
                    .getDeployment(.with { $0.id = id }).deployment
            }
            guard deployment.cores.allSatisfy({ [.succeeded, .failed].contains($0.status) }) else {
                return nil
            }
            return deployment.cores.filter { $0.status == .failed }
                .map { "\($0.core) refuses the deployment: \($0.reason)" }
        }
    }

    // MARK: What became of the messages

    /// What the ledger says of some things together.
    public struct Account: Sendable, CustomStringConvertible {
        /// Messages stored.
        public fileprivate(set) var received: UInt64 = 0
        /// Messages declared lost and not received by another way, by reason.
        public fileprivate(set) var lost: [LossReason: UInt64] = [:]
        /// Messages that nobody delivered and nobody declared lost.
        public fileprivate(set) var missing: UInt64 = 0

        /// In words.
        public var description: String {
            let reasons = lost.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) \($0.key)" }
            return
                "received \(received), lost \(reasons.isEmpty ? "none" : reasons.joined(separator: ", ")), "
                + "missing \(missing)"
        }
    }

    /// Enters the whole history (every page) and the ledger (every page) of some things.
    ///
    /// - Parameter isAsPublished: whether what is stored is what was published under its sequence.
    @discardableResult
    public func collect(
        into audit: inout DeliveryAudit, things: [String],
        isAsPublished: @escaping @Sendable (Hedgerow_Type_V1_Record) -> Bool = { _ in true }
    ) async throws -> Account {
        let (records, ledgers) = try await call(within: .seconds(60)) { client in
            let telemetry = TelemetryService.Client(wrapping: client)
            var records: [(run: DeliveryAudit.Run, sequence: UInt64, isAsPublished: Bool)] = []
            var ledgers: [String: [Hedgerow_Telemetry_V1_GetLedgerResponse]] = [:]
            for thing in things {
                // The ledger first: what is stored between the two calls is not taken for lost.
                var ledgerRequest = Hedgerow_Telemetry_V1_GetLedgerRequest()
                ledgerRequest.thing = thing
                repeat {
                    let page = try await telemetry.getLedger(ledgerRequest)
                    ledgers[thing, default: []].append(page)
                    ledgerRequest.pageToken = page.nextPageToken
                } while !ledgerRequest.pageToken.isEmpty
                var request = Hedgerow_Telemetry_V1_QueryRequest()
                request.thing = thing
                request.pageSize = 2_000
                repeat {
                    let page = try await telemetry.query(request)
                    for record in page.records {
                        let component = record.origin.componentInstance
                        records.append(
                            (
                                Self.run(thing, record.origin.epoch, component), record.origin.firstSequence,
                                isAsPublished(record)
                            ))
                    }
                    request.pageToken = page.nextPageToken
                } while !request.pageToken.isEmpty
            }
            return (records, ledgers)
        }
        for record in records {
            audit.store(record.run, record.sequence)
            if !record.isAsPublished { audit.alter(record.run, record.sequence) }
        }
        var account = Account()
        for (thing, pages) in ledgers {
            account.received += pages.first?.received ?? 0
            for range in pages.flatMap(\.ranges) {
                let component = range.componentInstance.prefix { $0 != "#" }
                audit.name(
                    Self.run(thing, range.epoch, String(component)), range.firstSequence...range.lastSequence)
                let count = range.lastSequence - range.firstSequence + 1
                if range.missing {
                    account.missing += count
                } else {
                    account.lost[range.reason, default: 0] += count
                }
            }
        }
        return account
    }

    /// The run that an origin belongs to.
    public static func run(_ thing: String, _ epoch: Data, _ component: String) -> DeliveryAudit.Run {
        .init(
            thing: DeliveryAudit.name(of: thing, through: component),
            epoch: epoch.map { String(format: "%02x", $0) }.joined())
    }
}
