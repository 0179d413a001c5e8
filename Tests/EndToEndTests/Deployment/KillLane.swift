import Crypto
import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import SwiftProtobuf
import TestSupport
import ThingClient

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One core with a group and a thing of its own, to which one revision after the other is deployed while the core is
/// killed at chosen points; several lanes share a cloud.
struct KillLane: Sendable {
    /// What became of one deployment.
    struct Outcome: Sendable {
        /// Whether the core died at the point.
        var isKilled = false
        /// The stage that the dead core's disk had; nil where it had none.
        var stage: String?
        /// Whether the dead core's disk had the new revision.
        var hadNew = false
        /// Writes and syncs to the core's database, where it lived.
        var calls = 0
    }

    static let components = ["first", "second"]

    let fleet: ProcessFleet
    let admin: FleetOperator
    let number: Int
    let control: FaultControl

    var core: String { "core-\(number)" }
    var thing: String { "thing-\(number)" }
    var group: String { "mill-\(number)" }

    /// Revision R of a lane runs version 1.R.0 of both components.
    static func version(_ revision: UInt64) -> String { "1.\(revision).0" }

    private func definition(_ revision: UInt64) -> String {
        """
        kind: Group
        name: \(group)
        cores: [\(core)]
        things: [\(thing)]
        components: [\(Self.components.map { "{name: \($0), version: \(Self.version(revision))}" }.joined(separator: ", "))]
        subscriptions:
          - {from: "thing:*", topic: press/reading, to: "component:first"}
          - {from: "component:first", topic: "out/#", to: "component:second"}
          - {from: "component:second", topic: "out/#", to: cloud}
        """
    }

    /// Deploys the first revision and starts the core.
    func begin() async throws {
        try await push(1)
        try await admin.apply(definition(1))
        try await fleet.startCore(core, waits: false, environment: control.environment)
        try await admin.deploy(group: group)
        try await fleet.waitForPorts(core, try fleet.process(core))
    }

    /// Registers the components of a revision; lanes that want the same one say the same.
    ///
    /// - Parameter isBroken: whether they fail on every message.
    private func push(_ revision: UInt64, isBroken: Bool = false) async throws {
        for name in Self.components {
            try await admin.push(
                """
                kind: Component
                name: \(name)
                version: \(Self.version(revision))
                transform:
                  - \(isBroken ? "set: {value: 'reading.nowhere'}" : "keep: [value]")
                  - publish: out/\(name)
                """)
        }
    }

    /// Makes a deployment of a revision.
    ///
    /// - Returns: its id.
    func start(
        _ revision: UInt64, settling: Duration = .zero, isBroken: Bool = false
    ) async throws -> String {
        try await push(revision, isBroken: isBroken)
        try await admin.apply(definition(revision))
        let request = "deploy-\(group)-\(revision)-\(UInt64.random(in: .min ... .max))"
        return try await admin.call { client in
            try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
                .createDeployment(
                    .with {
                        $0.requestID = request
                        $0.group = group
                        $0.rollout.settlingTime.seconds = settling.components.seconds
                    }
                ).deployment.id
        }
    }

    /// How a deployment of the lane stands.
    func deployment(_ id: String) async throws -> Hedgerow_Deployment_V1_CoreDeployment {
        try await admin.call { client in
            try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
                .getDeployment(.with { $0.id = id }).deployment.cores.first ?? .init()
        }
    }

    /// Deploys a revision, with the core killed at a point, and started again.
    func deploy(
        _ revision: UInt64, killingAt point: Int?, countsSyncsOnly: Bool = false, settling: Duration = .zero
    ) async throws -> Outcome {
        var outcome = Outcome()
        let process = try fleet.process(core)
        try control.arm(killingAt: point, countsSyncsOnly: countsSyncsOnly)
        let id = try await start(revision, settling: settling)
        try await eventually(
            "\(core) dies or is at the end of \(id)", within: .seconds(60),
            holds: {
                if process.exit != nil { return true }
                return try await deployment(id).status == .succeeded
            })
        outcome.calls = try control.databaseCalls
        // It may die at a write of its own that has nothing to do with the deployment, until here.
        try control.disarm()
        if let exit = process.exit {
            guard exit == .signal(SIGKILL) else {
                throw DidNotHappen(description: "\(core) ended with \(exit)")
            }
            outcome.isKilled = true
            (outcome.stage, outcome.hadNew) = try judgeDisk(new: revision, old: revision - 1)
            try await fleet.startCore(core, environment: control.environment)
        }
        try await eventually(
            "\(core) comes to the end of \(id) by itself", within: .seconds(60),
            holds: {
                let status = try await deployment(id).status
                guard [.pending, .inProgress, .succeeded].contains(status) else {
                    throw DidNotHappen(description: "\(core): deployment \(id) ended with \(status)")
                }
                return status == .succeeded
            })
        return outcome
    }

    /// Looks at what a dead core left: the old revision or the new one as a whole, with the recipes that it needs.
    ///
    /// - Returns: the stage of the deployment, empty where it is over, and whether it is the new one.
    func judgeDisk(new revision: UInt64, old: UInt64) throws -> (stage: String?, hadNew: Bool) {
        let copy = fleet.directory + "/\(core).dead"
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for suffix in ["", "-wal"] {
            let name = "/core.sqlite" + suffix
            guard FileManager.default.fileExists(atPath: fleet.statePath(core) + name) else { continue }
            try FileManager.default.copyItem(atPath: fleet.statePath(core) + name, toPath: copy + name)
        }
        let queue = try DatabaseQueue(path: copy + "/core.sqlite")
        defer { try? queue.close() }
        return try queue.read { db in
            let sql = "SELECT definition, digest FROM active_deployment"
            guard let row = try Row.fetchOne(db, sql: sql) else {
                throw DidNotHappen(description: "\(core) has no revision")
            }
            let (definition, digest): (Data, Data) = (row[0], row[1])
            let found = try Hedgerow_Type_V1_GroupRevision(serializedBytes: definition)
            guard Data(SHA256.hash(data: definition)) == digest,
                [old, revision].contains(found.revision),
                found.lock.count == Self.components.count
            else {
                throw DidNotHappen(description: "\(core) has neither revision \(revision) nor \(old)")
            }
            for locked in found.lock {
                let text = try String.fetchOne(
                    db, sql: "SELECT text FROM recipe WHERE component = ? AND version = ? AND digest = ?",
                    arguments: [locked.component, locked.version, locked.recipeDigest])
                guard locked.version == Self.version(found.revision),
                    Data(SHA256.hash(data: Data((text ?? "").utf8))) == locked.recipeDigest
                else {
                    throw DidNotHappen(
                        description: "\(core): \(locked.component) is not that of its revision")
                }
            }
            let progress = try Row.fetchOne(
                db, sql: "SELECT stage, outcome FROM deployment ORDER BY sequence DESC LIMIT 1")
            let stage: String? = progress.map { ($0[1] as String).isEmpty ? $0[0] as String : "over" }
            return (stage, found.revision == revision)
        }
    }

    /// A reading goes through both components of the revision.
    func judgeFlow(_ revision: UInt64, by publisher: Thing) async throws {
        let value = Double.random(in: 0..<1_000_000)
        try await publisher.publishAndWait("press/reading", ["value": .double(value)])
        var request = Hedgerow_Telemetry_V1_QueryRequest()
        request.thing = thing
        request.topicFilter = "out/second"
        request.pageSize = 1
        let query = request
        let record: Hedgerow_Type_V1_Record = try await eventually(
            "a reading through revision \(revision) of \(group)", within: .seconds(30)
        ) {
            let records = try await admin.call { client in
                try await Hedgerow_Telemetry_V1_TelemetryService.Client(wrapping: client).query(query).records
            }
            return records.first { $0.message.reading.values["value"]?.doubleValue == value }
        }
        guard record.source.component == "second", record.source.version == Self.version(revision),
            record.source.revision == revision
        else { throw DidNotHappen(description: "\(group): a reading came from \(record.source)") }
    }

    /// The configuration of the lane's thing, quick to come back.
    var publisher: ThingConfiguration {
        var configuration = ThingConfiguration(token: fleet.tokenPath(thing), state: fleet.statePath(thing))
        configuration.backoff = .init(initial: .milliseconds(50), maximum: .milliseconds(300))
        return configuration
    }
}
