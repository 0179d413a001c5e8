import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import SwiftProtobuf
import TestSupport
import Testing
import ThingClient

/// Deployments to real cores on machines with which something is wrong.
@Suite(.serialized, .timeLimit(.minutes(5))) struct DeploymentFaultTests {
    private typealias Streams = Hedgerow_Stream_V1_StreamService.Client<HTTP2ClientTransport.Posix>

    /// A cloud and a core that runs revision 1 of a lane's group.
    private static func withLane(_ body: (ProcessFleet, KillLane) async throws -> Void) async throws {
        try await ProcessFleet.with { try await body($0, try await lane(in: $0)) }
    }

    private static func lane(in fleet: ProcessFleet) async throws -> KillLane {
        let faults = try await FaultLibrary(compilingIn: fleet.directory)
        try await fleet.startCloud()
        let admin = try await FleetOperator(enrollingIn: fleet)
        try await admin.register(cores: ["core-1"], things: ["thing-1"])
        let lane = KillLane(fleet: fleet, admin: admin, number: 1, control: try faults.control("core-1"))
        try await lane.begin()
        return lane
    }

    @Test("a clock that is set back and forward during a deployment changes nothing of it")
    func clockSetBack() async throws {
        try await Self.withLane { fleet, lane in
            let id = try await lane.start(2, settling: .seconds(6))
            try await eventually(
                "it settles", within: .seconds(30),
                holds: {
                    try await lane.deployment(id).stage == .settle
                })
            for offset in [-86_400, 86_400 * 30, -3_600, 0] {
                try lane.control.setClockOffset(.seconds(offset))
                try await Task.sleep(for: .milliseconds(300))
            }
            try await Self.success(of: id, lane)
            #expect(try fleet.process(lane.core).exit == nil)
        }
    }

    @Test("two revisions race: the later one runs, and the earlier one had its time or was canceled")
    func race() async throws {
        try await Self.withLane { fleet, lane in
            try await withThing(lane.publisher) { thing in
                for revision in stride(from: UInt64(2), through: 10, by: 2) {
                    let earlier = try await lane.start(revision)
                    let later = try await lane.start(revision + 1)
                    try await Self.success(of: later, lane)
                    let ended = try await lane.deployment(earlier).status
                    #expect([.canceled, .succeeded].contains(ended))
                    try await lane.judgeFlow(revision + 1, by: thing)
                }
            }
        }
    }

    @Test("the cloud is killed while a core settles: it delivers again what does not begin again")
    func deliveredTwice() async throws {
        try await Self.withLane { fleet, lane in
            let id = try await lane.start(2, settling: .seconds(6))
            try await eventually(
                "it settles", within: .seconds(30), holds: { try await lane.deployment(id).stage == .settle })
            try await fleet.process("cloud").kill9()
            try await fleet.startCloud()
            try await Self.success(of: id, lane)
            let begun = try fleet.process(lane.core).logTail(bytes: 1 << 20).split(separator: "\n")
                .filter { $0.contains("a deployment begins") && $0.contains(id) }
            #expect(begun.count == 1, "\(begun)")
            try await withThing(lane.publisher) { try await lane.judgeFlow(2, by: $0) }
        }
    }

    private static func success(of id: String, _ lane: KillLane) async throws {
        try await eventually(
            "\(id) succeeds", within: .seconds(60),
            holds: {
                let found = try await lane.deployment(id)
                guard [.pending, .inProgress, .succeeded].contains(found.status) else {
                    throw DidNotHappen(description: "\(id) ended with \(found.status): \(found.reason)")
                }
                return found.status == .succeeded
            })
    }

    @Test(
        "on a full disk a deployment is FAILED with a sentence, the old revision goes on, and there is no harm done"
    )
    func fullDisk() async throws {
        guard SmallDisk.isAllowed else {
            print("full disk test: skipped: no disk can be mounted here")
            return
        }
        try await ProcessFleet.with { fleet in
            let path = fleet.statePath("core-1")
            let disk = try await SmallDisk(at: path, mebibytes: 64)
            do {
                try await Self.failOnFullDisk(disk, fleet, try await Self.lane(in: fleet))
                try await SmallDisk.unmount(path)
            } catch {
                try? await SmallDisk.keepFiles(of: path)
                throw error
            }
        }
    }

    private static func failOnFullDisk(
        _ disk: SmallDisk, _ fleet: ProcessFleet, _ lane: KillLane
    ) async throws {
        try disk.fill()
        let id = try await lane.start(2)
        try await eventually(
            "it has failed", within: .seconds(60),
            holds: {
                try await lane.deployment(id).status == .failed
            })
        let reason = try await lane.deployment(id).reason
        #expect(reason.contains("disk is full") && !reason.contains("SQL"), "\(reason)")
        #expect(try fleet.process(lane.core).exit == nil)
        disk.free()
        try await withThing(lane.publisher) { thing in
            try await lane.judgeFlow(1, by: thing)
            _ = try await lane.deploy(3, killingAt: nil)
            try await lane.judgeFlow(3, by: thing)
        }
        try await fleet.process(lane.core).kill9()
    }

    // MARK: A component that goes

    private static let recipe = """
        kind: Component
        name: going
        version: 1.0.0
        transform:
          - keep: [value]
          - publish: out/going
        """

    private static func group(hasComponent: Bool) -> String {
        """
        kind: Group
        name: hall
        cores: [core-1]
        things: [thing-1]
        components: [\(hasComponent ? "{name: going, version: 1.0.0}" : "")]
        subscriptions:
          - {from: "thing:*", topic: "raw/#", to: cloud, via: bulk}
        \(hasComponent ? "  - {from: \"thing:*\", topic: \"in/#\", to: \"component:going\"}" : "")
        \(hasComponent ? "  - {from: \"component:going\", topic: \"out/#\", to: cloud, via: bulk}" : "")
        streams:
          bulk: {maxSize: 1MiB}
        """
    }

    @Test(
        "a component that is removed while its messages wait: they are sent, and what comes later has no route"
    )
    func removedComponent() async throws {
        try await withFleet(groups: [Self.group(hasComponent: false)]) { fleet in
            _ = try await fleet.operate { client in
                try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                    .registerComponent(.with { $0.recipe = Self.recipe })
            }
            try await fleet.deploy(Self.group(hasComponent: true))
            try await fleet.operate { client in
                _ = try await Streams(wrapping: client).pauseExport(
                    .with {
                        $0.core = "core-1"
                        $0.stream = "bulk"
                        $0.export = "cloud"
                    })
            }
            try await fleet.withThing("thing-1") { thing in
                for number in 1...5 {
                    try await thing.publishAndWait("in/a", ["value": .double(Double(number))])
                }
                try await fleet.deploy(Self.group(hasComponent: false))
                #expect(try await fleet.ledger("thing-1").received == 0, "they wait")
                do {
                    try await thing.publishAndWait("in/a", ["value": 6])
                    Issue.record("what leads nowhere was taken")
                } catch ThingError.rejected(let reason, _, _) {
                    #expect(reason == .noRoute)
                }
                try await thing.publishAndWait("raw/a", ["value": 7])
            }
            try await fleet.operate { client in
                _ = try await Streams(wrapping: client).resumeExport(
                    .with {
                        $0.core = "core-1"
                        $0.stream = "bulk"
                        $0.export = "cloud"
                    })
            }
            let records = try await fleet.history(thing: "thing-1", count: 6)
            let derived = records.filter { $0.source.component == "going" }
            #expect(derived.compactMap { $0.number() }.sorted() == [1, 2, 3, 4, 5])
            #expect(derived.allSatisfy { $0.source.revision == 2 })
            #expect(records.filter { $0.source.component.isEmpty }.compactMap { $0.number() } == [7])
        }
    }
}
