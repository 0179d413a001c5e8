import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftASN1
import SwiftProtobuf
import TestSupport
import Testing
import X509

@testable import Cloud

/// Cores that are attached: what they are told, and what becomes of what they report.
@Suite struct AttachTests {
    static let group = "{kind: Group, name: g, cores: [c], things: [t]}"

    /// A cloud with a group of one core and one thing.
    private func withFleet(
        rotation: Duration = .seconds(7 * 86_400),
        _ body:
            @Sendable @escaping (
                _ cloud: RunningCloud, _ admin: ClientIdentity, _ core: ClientIdentity,
                _ thing: ClientIdentity
            ) async throws -> Void
    ) async throws {
        try await withCloud(rotation: rotation) { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            let thing = try await cloud.register(admin, .thing, "t")
            try await cloud.apply(admin, Self.group)
            try await body(cloud, admin, core, thing)
        }
    }

    @Test func aDeploymentReachesAnAttachedCoreAndEndsWithItsReport() async throws {
        try await withFleet { cloud, admin, identity, thing in
            let before = try await refusal { try await cloud.discover(thing) }
            #expect(before?.reason == .membershipNotDeployed)
            #expect(before?.message.contains("deploy") == true)
            try await cloud.attach(identity) { core in
                core.hello()
                #expect(try await core.welcome().group == "g")
                let deployment = try await cloud.deploy(admin, "g")
                let assignment = try await core.assignment()
                #expect(assignment.deploymentID == deployment.id)
                #expect(assignment.revision.things == ["t"])
                // What the core may send from now on is accepted before it says that it switched.
                #expect(cloud.server.context.directory.mayCarry(core: "c", thing: "t"))
                let waiting = try await cloud.deployment(admin, deployment.id)
                #expect(waiting.cores.map(\.status) == [.inProgress])
                let still = try await refusal { try await cloud.discover(thing) }
                #expect(still?.reason == .membershipNotDeployed)

                core.report(deployment.id, .inProgress, "staging")
                core.report(deployment.id, .succeeded)
                let states = try await cloud.call(as: admin) { client in
                    try await Deployments(wrapping: client).watchDeployment(.with { $0.id = deployment.id }) {
                        response in
                        var states: [Hedgerow_Deployment_V1_DeploymentStatus] = []
                        for try await message in response.messages {
                            states.append(message.deployment.cores[0].status)
                        }
                        return states
                    }
                }
                #expect(states.last == .succeeded)

                let found = try await cloud.discover(thing)
                #expect(found.groups.map(\.group) == ["g"])
                let place = try #require(found.groups.first?.cores.first)
                #expect(place.spiffeID == "spiffe://hedgerow/core/c")
                #expect(place.serverName == CoreServerName.name(forCore: "c"))
                #expect(place.endpoints.map(\.host) == ["127.0.0.1"])
                let status = try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).getGroup(.with { $0.name = "g" }).group.cores[0]
                }
                #expect(status.activeRevision == 1)
                #expect(status.connected)
                #expect(status.version == "1.2.3")
            }
        }
    }

    @Test func aThingMayAskOnlyForItselfAndHearsWhenNoGroupNamesIt() async throws {
        try await withFleet { cloud, admin, _, thing in
            let other = try await refusal { try await cloud.discover(thing, "somebody") }
            #expect(other?.reason == .notYourResource)
            let lonely = try await cloud.register(admin, .thing, "lonely")
            let error = try await refusal { try await cloud.discover(lonely) }
            #expect(error?.reason == .notInGroup)
            #expect(error?.code == .notFound)
        }
    }

    @Test func aCoreThatWasAwayGetsTheNewestDeploymentOnly() async throws {
        try await withFleet { cloud, admin, identity, _ in
            let first = try await cloud.deploy(admin, "g")
            try await cloud.apply(admin, "{kind: Group, name: g, cores: [c]}")
            let second = try await cloud.deploy(admin, "g", requestID: "once")
            let repeated = try await cloud.deploy(admin, "g", requestID: "once")
            #expect(second.id == repeated.id)
            #expect(try await cloud.deployment(admin, first.id).cores.map(\.status) == [.canceled])
            #expect(try await cloud.deployment(admin, second.id).cores.map(\.status) == [.pending])
            try await cloud.attach(identity) { core in
                core.hello()
                let assignment = try await core.assignment()
                #expect(assignment.deploymentID == second.id)
                #expect(assignment.revision.revision == 2)
            }
            // Back to the revision before: an older revision is deployed as any other.
            let back = try await cloud.deploy(admin, "g", revision: 1)
            #expect(back.revision == 1)
            let absent = try await refusal { try await cloud.deploy(admin, "g", revision: 9) }
            #expect(absent?.reason == .notFound)
        }
    }

    @Test func aCoreThatRunsTheRevisionAlreadyIsNotToldAgain() async throws {
        try await withFleet { cloud, admin, identity, _ in
            let deployment = try await cloud.deploy(admin, "g")
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.assignment()
                // The report is lost: the core switched and the attachment broke.
            }
            try await cloud.attach(identity) { core in
                core.hello(group: "g", revision: 1)
                try await eventually("the deployment has succeeded") {
                    try await cloud.deployment(admin, deployment.id).cores[0].status == .succeeded
                }
                let assignments = core.received.filter {
                    if case .assignment = $0.event { true } else { false }
                }
                #expect(assignments.isEmpty)
            }
            // Its state was restored from an older copy: it is told again.
            try await cloud.attach(identity) { core in
                core.hello()
                let assignment = try await core.assignment()
                #expect(assignment.deploymentID == deployment.id)
            }
        }
    }

    /// What it runs is what it is to run, but not for long: a newer one is under way there.
    @Test func aCoreThatIsOnItsWayElsewhereIsToldToGoBack() async throws {
        try await withFleet { cloud, admin, identity, _ in
            let first = try await cloud.deploy(admin, "g")
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.assignment()
                core.report(first.id, .succeeded)
                try await eventually("the first has succeeded") {
                    try await cloud.deployment(admin, first.id).cores[0].status == .succeeded
                }
                try await cloud.apply(admin, "{kind: Group, name: g, cores: [c]}")
                let second = try await cloud.deploy(admin, "g")
                #expect(try await core.assignment(skipping: 1).deploymentID == second.id)
                let back = try await cloud.deploy(admin, "g", revision: 1)
                #expect(try await core.assignment(skipping: 2).deploymentID == back.id)
                #expect(try await cloud.deployment(admin, back.id).cores.map(\.status) == [.inProgress])
            }
        }
    }

    @Test func aFailedDeploymentIsNotTriedAgainByItself() async throws {
        try await withFleet { cloud, admin, identity, _ in
            let deployment = try await cloud.deploy(admin, "g")
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.assignment()
                core.report(deployment.id, .failed, "no space")
                try await eventually("the report is stored") {
                    try await cloud.deployment(admin, deployment.id).cores[0].status == .failed
                }
            }
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.welcome()
                _ = try await core.renewal()
                let state = try await cloud.deployment(admin, deployment.id).cores[0]
                #expect(state.status == .failed)
                #expect(state.reason == "no space")
            }
        }
    }

    @Test func aCoreThatDoesNotFinishTimesOutAndMayStillFinishLate() async throws {
        try await withFleet { cloud, admin, identity, _ in
            let deployment = try await cloud.deploy(admin, "g")
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.assignment()
                cloud.time.advance(by: .minutes(6))
                try await eventually("the deadline is noticed") {
                    try await cloud.deployment(admin, deployment.id).cores[0].status == .timedOut
                }
                core.report(deployment.id, .succeeded)
                try await eventually("the late report counts") {
                    try await cloud.deployment(admin, deployment.id).cores[0].status == .succeeded
                }
            }
        }
    }

    @Test func aNewerAttachmentEndsTheOlder() async throws {
        try await withFleet { cloud, _, identity, _ in
            try await cloud.attach(identity) { older in
                older.hello()
                _ = try await older.welcome()
                try await cloud.attach(identity) { newer in
                    newer.hello()
                    _ = try await newer.welcome()
                    let reason = try await older.endReason()
                    #expect(reason.reason == .sessionSuperseded)
                    #expect(reason.code == .aborted)
                    #expect(cloud.server.context.hub.isAttached("c"))
                }
            }
            try await eventually("the core is detached") { !cloud.server.context.hub.isAttached("c") }
        }
    }

    @Test func aCoreIsBelievedOnlyWhereARevisionNamesIt() async throws {
        try await withFleet { cloud, admin, _, thing in
            let liar = try await cloud.register(admin, .core, "liar")
            try await cloud.attach(liar) { core in
                core.hello(group: "g", revision: 1)
                _ = try await core.welcome()
                #expect(!cloud.server.context.directory.mayCarry(core: "liar", thing: "t"))
                let error = try await refusal { try await cloud.discover(thing) }
                #expect(error?.reason == .membershipNotDeployed)
            }
        }
    }

    @Test func theFirstRequestMustBeAHello() async throws {
        try await withFleet { cloud, _, identity, _ in
            try await cloud.attach(identity) { core in
                core.report("d", .succeeded)
                let reason = try await core.endReason()
                #expect(reason.reason == .invalidField)
            }
            try await cloud.attach(identity) { core in
                core.hello()
                core.hello()
                let reason = try await core.endReason()
                #expect(reason.reason == .invalidField)
            }
            try await cloud.attach(identity) { core in
                core.hello(hosts: ["not a host"])
                let error = try await core.endReason()
                #expect(error.violations.map(\.field) == ["hello.endpoints[0].host"])
            }
        }
    }

    @Test func rotatingTheAuthorityRenewsCertificatesAndKeepsTheOldOneTrusted() async throws {
        try await withFleet { cloud, admin, identity, thing in
            let deployment = try await cloud.deploy(admin, "g")
            try await cloud.attach(identity) { core in
                core.hello(hosts: ["192.0.2.7", "core.example"])
                // It has none yet, and is asked to request one.
                _ = try await core.renewal()
                try core.requestCertificate()
                let old = try await core.certificate()
                core.report(deployment.id, .succeeded)
                try await eventually("it is deployed") {
                    try await cloud.deployment(admin, deployment.id).cores[0].status == .succeeded
                }
                try await expectValid(old, for: thing, cloud)

                let rotated = try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).rotateGroupAuthority(.with { $0.group = "g" })
                }
                #expect(rotated.notifiedCores == 1)
                #expect(rotated.authority.signing)
                // Before the core has a new certificate, and after, things can verify both.
                try await expectValid(old, for: thing, cloud)
                _ = try await core.renewal(skipping: 1)
                try core.requestCertificate()
                let new = try await core.certificate(skipping: 1)
                try await expectValid(new, for: thing, cloud)
                try await expectValid(old, for: thing, cloud)
                let authorities = try await cloud.discover(thing).groups[0].caCertificates
                #expect(authorities.count == 2)
                #expect(new.certificateChain.hasSuffix(authorities[0]))
                #expect(old.certificateChain.hasSuffix(authorities[1]))
            }
            // The key of the old one is gone: it signs nothing any more.
            let keys = try FileManager.default.contentsOfDirectory(atPath: cloud.state + "/pki")
            #expect(keys.filter { $0.hasPrefix("group-") }.count == 1)
        }
    }

    /// Checks a core's certificate as a thing would, with what discovery gives it.
    private func expectValid(
        _ certificate: Hedgerow_Deployment_V1_ServerCertificate, for thing: ClientIdentity,
        _ cloud: RunningCloud
    ) async throws {
        let group = try #require(try await cloud.discover(thing).groups.first)
        let roots = try group.caCertificates.flatMap { try Certificates.parse(pem: $0) }
        let verifier = PeerVerifier(
            roots: roots, trustDomain: "hedgerow", usage: .server, expectedSPIFFEID: group.cores[0].spiffeID)
        let chain = try Certificates.parse(pem: certificate.certificateChain)
        let peer = try await verifier.verify(chain: chain).get()
        #expect(peer.principal?.name == "c")
        let names = Array(try #require(try chain[0].extensions.subjectAlternativeNames))
        #expect(names.contains(.ipAddress(ASN1OctetString(contentBytes: [192, 0, 2, 7]))))
        #expect(names.contains(.dnsName("core.example")))
        #expect(names.contains(.dnsName(certificate.serverName)))
    }

    @Test func anAuthorityIsReplacedByItselfWhenItIsOld() async throws {
        try await withFleet(rotation: .seconds(1)) { cloud, admin, identity, _ in
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.renewal()
                try core.requestCertificate()
                let first = try await core.certificate()
                _ = try await core.renewal(skipping: 1)
                try core.requestCertificate()
                let second = try await core.certificate(skipping: 1)
                let issuers = try [first, second].map { try Certificates.parse(pem: $0.certificateChain)[1] }
                #expect(issuers[0] != issuers[1])
            }
        }
    }

    @Test func aCertificateRequestWaitsUntilTheCoreIsInAGroup() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let identity = try await cloud.register(admin, .core, "c")
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.welcome()
                try core.requestCertificate()
                try await cloud.apply(admin, "{kind: Group, name: g, cores: [c]}")
                _ = try await core.certificate()
            }
        }
    }

    @Test func revokingACoreEndsItsAttachmentAndTellsTheOthers() async throws {
        try await withFleet { cloud, admin, identity, _ in
            let other = try await cloud.register(admin, .core, "other")
            try await cloud.attach(other) { witness in
                witness.hello()
                #expect(try await witness.revocations() == [])
                try await cloud.attach(identity) { core in
                    core.hello()
                    _ = try await core.welcome()
                    _ = try await cloud.call(as: admin) { client in
                        try await Registry(wrapping: client).revokeCertificates(
                            .with {
                                $0.role = .core
                                $0.name = "c"
                            })
                    }
                    #expect(try await core.endReason().reason == .revoked)
                }
                let serial = try Certificates.parse(pem: identity.chainPEM)[0].serialNumberText
                #expect(try await witness.revocations(skipping: 1).contains(serial))
            }
        }
    }

    @Test func aShutdownEndsAttachmentsAndWatchersAtOnceAndSaysWhy() async throws {
        try await withFleet { cloud, admin, identity, _ in
            let deployment = try await cloud.deploy(admin, "g")
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.assignment()
                async let watching = refusal {
                    try await cloud.call(as: admin) { client in
                        try await Deployments(wrapping: client).watchDeployment(
                            .with { $0.id = deployment.id }
                        ) {
                            response in
                            for try await _ in response.messages { await cloud.shutDown() }
                        }
                    }
                }
                // Once the grace of open calls is over the connection would end without a reason.
                let reason = try await core.endReason()
                #expect(reason.reason == .shuttingDown)
                #expect(reason.code == .unavailable)
                #expect(try await watching?.reason == .shuttingDown)
            }
        }
    }

    @Test func whoDetachedWasSeenLastThen() async throws {
        try await withFleet { cloud, admin, identity, _ in
            try await cloud.attach(identity) { core in
                core.hello()
                _ = try await core.welcome()
            }
            try await eventually("the core is detached and seen") {
                let thing = try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).getThing(.with { $0.name = "c" }).thing
                }
                return !thing.connected && thing.hasLastSeenTime
            }
        }
    }
}
