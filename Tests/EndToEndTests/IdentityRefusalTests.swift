import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing
import ThingClient

@testable import Cloud

@Suite("Who may not is refused with the reason", .timeLimit(.minutes(3)))
struct IdentityRefusalTests {
    /// Asks whether a server is well: the least that a connection can do.
    private static func probe(_ client: Fleet.Client) async throws {
        _ = try await Grpc_Health_V1_Health.Client(wrapping: client).check(.init())
    }

    private static func connectFails(
        _ fleet: Fleet, to server: Fleet.Server, as identity: ClientIdentity,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let error = await #expect(throws: RPCError.self, sourceLocation: sourceLocation) {
            try await fleet.connect(to: server, as: identity) { try await Self.probe($0) }
        }
        #expect(error?.code == .unavailable, sourceLocation: sourceLocation)
    }

    @Test("certificates of another cloud: on both sides")
    func wrongAuthority() async throws {
        try await withFleet { fleet in
            let other = try TestPKI(trustDomain: fleet.trustDomain)
            let stranger = try other.client(.thing, "thing-1")
            _ = try await fleet.operatorIdentity()
            try await Self.connectFails(fleet, to: .cloud, as: stranger)
            try await Self.connectFails(fleet, to: .core("core-1"), as: stranger)
            try await eventually("both logs say why") {
                fleet.cloudLog.contains("refused a peer's certificate", "cause=unknownAuthority")
                    && fleet.coreLog.contains("refused a peer's certificate", "cause=unknownAuthority")
            }

            // A client that pins another root does not speak to our servers.
            let mine = try await fleet.identity(.thing, "thing-1")
            for server in [Fleet.Server.cloud, .core("core-1")] {
                let refusals = PeerRefusals(side: "test", logger: nil)
                do {
                    try await fleet.connect(
                        to: server, as: mine, roots: [other.root.certificate], refusals: refusals
                    ) { try await Self.probe($0) }
                    Issue.record("\(server) was trusted")
                } catch {
                    guard
                        case .serverNotTrusted(.unknownAuthority) = CallerError(error, refusal: refusals.last)
                            .kind
                    else {
                        Issue.record("\(CallerError(error, refusal: refusals.last))")
                        continue
                    }
                }
            }
        }
    }

    @Test("an expired certificate")
    func expired() async throws {
        try await withFleet { fleet in
            let key = PrivateKey.generate()
            let leaf = try fleet.cloud.context.authorities.issuing.issueClient(
                request: key.signingRequest(commonName: "x"),
                principal: Principal(role: .thing, name: "thing-1"),
                trustDomain: fleet.trustDomain, now: Date().addingTimeInterval(-1_800),
                validity: .seconds(600))
            let identity = ClientIdentity(chainPEM: leaf.chainPEM, keyPEM: key.pem)
            _ = try await fleet.operatorIdentity()
            try await Self.connectFails(fleet, to: .cloud, as: identity)
            try await Self.connectFails(fleet, to: .core("core-1"), as: identity)
            try await eventually("both logs say why") {
                fleet.cloudLog.contains("refused a peer's certificate", "cause=expired")
                    && fleet.coreLog.contains("refused a peer's certificate", "cause=expired")
            }
        }
    }

    @Test("a thing's certificate used as a core's, a core's used as a thing's")
    func wrongRole() async throws {
        try await withFleet { fleet in
            let thing = try await fleet.identity(.thing, "thing-1")
            let attached = try await expectRefusal {
                try await fleet.connect(to: .cloud, as: thing) { client in
                    try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client).attach {
                        writer in
                        try await writer.write(.with { $0.hello.version = "1.0.0" })
                    } onResponse: { response in
                        for try await _ in response.messages {}
                    }
                }
            }
            #expect(attached.code == .permissionDenied)
            #expect(attached.reason == .roleNotAllowed)

            let core = try await fleet.identity(.core, "core-1")
            let published = try await fleet.connect(to: .core("core-1"), as: core) { client in
                try await withPublisher(client) { publisher in
                    publisher.send(.opening(epoch: publisher.epoch))
                    return try await publisher.refusal()
                }
            }
            #expect(published.reason == .roleNotAllowed)
            let queried = try await expectRefusal {
                try await fleet.connect(to: .cloud, as: thing) { client in
                    try await TelemetryService.Client(wrapping: client).query(.init())
                }
            }
            #expect(queried.reason == .roleNotAllowed)
        }
    }

    @Test("thing A claiming to be thing B: in discovery, and in a message's origin at core and cloud")
    func otherThing() async throws {
        let group = """
            kind: Group
            name: hall
            cores: [core-1]
            things: [thing-1, thing-2]
            subscriptions:
              - {from: "thing:*", topic: "#", to: cloud}
            """
        try await withFleet(things: ["thing-1", "thing-2"], groups: [group]) { fleet in
            let thing = try await fleet.identity(.thing, "thing-1")
            let discovered = try await expectRefusal {
                try await fleet.connect(to: .cloud, as: thing) { client in
                    try await Hedgerow_Discovery_V1_DiscoveryService.Client(wrapping: client)
                        .discover(.with { $0.thing = "thing-2" })
                }
            }
            #expect(discovered.code == .permissionDenied)
            #expect(discovered.reason == .notYourResource)

            for server in [Fleet.Server.core("core-1"), .cloud] {
                try await fleet.connect(to: server, as: thing) { client in
                    try await withPublisher(client) { publisher in
                        try await publisher.open()
                        var forged = Publication.plain(1, "hall/a", ["value": 666])
                        forged.origin.thing = "thing-2"
                        forged.origin.epoch = .init(publisher.epoch.bytes)
                        forged.origin.firstSequence = 1
                        forged.origin.lastSequence = 1
                        publisher.publish(forged, .plain(2, "hall/a", ["value": 1]))
                        try await publisher.acknowledged(through: 2)
                        #expect(publisher.rejected.map(\.reason) == [.originNotAllowed])
                        #expect(publisher.rejected.map(\.firstSequence) == [1])
                    }
                }
            }
            try await fleet.history(thing: "thing-1", count: 2)
            #expect(try await fleet.history(thing: "thing-2").isEmpty)
            #expect(try await fleet.history().allSatisfy { $0.number() == 1 })
        }
    }

    @Test("a core of one group for a thing of another: by TLS, and NOT_IN_GROUP where it connects anyway")
    func otherGroup() async throws {
        let groups = ["a", "b"].enumerated().map { index, name in
            """
            kind: Group
            name: hall-\(name)
            cores: [core-\(index + 1)]
            things: [thing-\(index + 1)]
            subscriptions:
              - {from: "thing:*", topic: "#", to: cloud}
            """
        }
        try await withFleet(cores: ["core-1", "core-2"], things: ["thing-1", "thing-2"], groups: groups) {
            fleet in
            let thing = try await fleet.identity(.thing, "thing-1")
            let refusals = PeerRefusals(side: "test", logger: nil)
            await #expect(throws: (any Error).self) {
                try await fleet.connect(
                    to: .core("core-2"), as: thing, roots: try await fleet.authorities(ofCore: "core-1"),
                    refusals: refusals
                ) { try await Self.probe($0) }
            }
            #expect(refusals.last?.cause == "unknownAuthority")

            let refused = try await fleet.connect(to: .core("core-2"), as: thing) { client in
                try await withPublisher(client) { publisher in
                    publisher.send(.opening(epoch: publisher.epoch))
                    return try await publisher.refusal()
                }
            }
            #expect(refused.code == .permissionDenied)
            #expect(refused.reason == .notInGroup)
            #expect(refused.details["group"] == "hall-b")

            // The core of the one group cannot bring readings of a thing of the other either.
            let core = try await fleet.identity(.core, "core-1")
            try await fleet.connect(to: .cloud, as: core) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open(stream: "forged")
                    var forged = Publication.plain(1, "hall/a", ["value": 666])
                    forged.origin.thing = "thing-2"
                    forged.origin.epoch = .init(publisher.epoch.bytes)
                    forged.origin.firstSequence = 1
                    forged.origin.lastSequence = 1
                    publisher.publish(forged)
                    try await publisher.acknowledged(through: 1)
                    #expect(publisher.rejected.map(\.reason) == [.originNotAllowed])
                }
            }
            #expect(try await fleet.history().isEmpty)
        }
    }

    @Test("a thing whose membership was never deployed, and one in no group")
    func notDeployed() async throws {
        try await withFleet(things: ["thing-1", "thing-2", "thing-3"]) { fleet in
            try await fleet.apply(
                Fleet.simpleGroup.replacing("things: [thing-1]", with: "things: [thing-1, thing-2]"))
            for (name, reason) in [("thing-2", ErrorReason.membershipNotDeployed), ("thing-3", .notInGroup)] {
                let identity = try await fleet.identity(.thing, name)
                let discovered = try await expectRefusal {
                    try await fleet.connect(to: .cloud, as: identity) { client in
                        try await Hedgerow_Discovery_V1_DiscoveryService.Client(wrapping: client).discover(
                            .init())
                    }
                }
                #expect(discovered.code == .notFound)
                #expect(discovered.reason == reason)
                #expect(discovered.message.contains("deploy"))
                let connected = try await fleet.connect(to: .core("core-1"), as: identity) { client in
                    try await withPublisher(client) { publisher in
                        publisher.send(.opening(epoch: publisher.epoch))
                        return try await publisher.refusal()
                    }
                }
                #expect(connected.reason == .notInGroup)
            }

            // The thing says so too, and gets in by itself once that is deployed.
            let group = Fleet.simpleGroup.replacing("things: [thing-1]", with: "things: [thing-1, thing-2]")
            try await fleet.withThing("thing-2") { thing in
                try await thing.publish("hall/a", ["value": 2])
                try await eventually("the thing says what is wrong") {
                    thing.lastProblem?.contains("deploy") == true
                }
                try await fleet.deploy(group)
            }
            #expect(try await fleet.history(thing: "thing-2", count: 1).map { $0.number() } == [2])
        }
    }

    @Test("a revoked thing: cut off within seconds, open streams included, at core and cloud")
    func revoked() async throws {
        try await withFleet { fleet in
            let identity = try await fleet.identity(.thing, "thing-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { core in
                try await fleet.connect(to: .cloud, as: identity) { cloud in
                    try await withPublisher(core) { atCore in
                        try await withPublisher(cloud) { atCloud in
                            try await withSubscriber(core, ["#"], atLeastOnce: true) { subscriber in
                                try await atCore.open()
                                try await atCloud.open(stream: "direct")
                                #expect(try await fleet.revoke(.thing, "thing-1") == 1)
                                #expect(try await atCore.refusal(within: .seconds(30)).reason == .revoked)
                                #expect(try await atCloud.refusal(within: .seconds(30)).reason == .revoked)
                                #expect(try await subscriber.refusal(within: .seconds(30)).reason == .revoked)
                            }
                        }
                    }
                }
            }
            try await Self.connectFails(fleet, to: .cloud, as: identity)
            try await Self.connectFails(fleet, to: .core("core-1"), as: identity)
            try await eventually("both logs say why") {
                fleet.cloudLog.contains("refused a peer's certificate", "cause=revoked")
                    && fleet.coreLog.contains("refused a peer's certificate", "cause=revoked")
            }
        }
    }

    @Test("a deleted thing: cut off like a revoked one")
    func deleted() async throws {
        let group = Fleet.simpleGroup.replacing("things: [thing-1]", with: "things: [thing-1, thing-2]")
        try await withFleet(things: ["thing-1", "thing-2"], groups: [group]) { fleet in
            let identity = try await fleet.identity(.thing, "thing-2")
            try await fleet.connect(to: .core("core-1"), as: identity) { core in
                try await fleet.connect(to: .cloud, as: identity) { cloud in
                    try await withPublisher(core) { atCore in
                        try await withPublisher(cloud) { atCloud in
                            try await atCore.open()
                            try await atCloud.open(stream: "direct")
                            // Out of the group first: a thing that is named there cannot go.
                            try await fleet.deploy(Fleet.simpleGroup)
                            try await fleet.delete("thing-2")
                            let reasons = [
                                try await atCore.refusal(within: .seconds(30)).reason,
                                try await atCloud.refusal(within: .seconds(30)).reason,
                            ]
                            #expect(reasons.allSatisfy { $0 == .revoked || $0 == .notInGroup }, "\(reasons)")
                        }
                    }
                }
            }
            try await Self.connectFails(fleet, to: .cloud, as: identity)
            try await Self.connectFails(fleet, to: .core("core-1"), as: identity)
        }
    }
}

extension String {
    fileprivate func replacing(_ old: String, with new: String) -> String {
        split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}
