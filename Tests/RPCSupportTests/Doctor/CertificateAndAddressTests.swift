import Foundation
import Identity
import NIOCore
import NIOPosix
import PKI
import TestSupport
import Testing
import X509

@testable import RPCSupport

@Suite("A doctor's checks of certificates and addresses")
struct CertificateAndAddressTests {
    let pki = try! TestPKI()

    func identity(
        now: Date = Date(), validity: Duration = .seconds(86_400), root: CertificateAuthority? = nil,
        cloud: [NetworkEndpoint] = []
    ) throws -> StoredIdentity {
        let principal = try Principal(role: .core, name: "pi-1")
        let client = try pki.client(.core, "pi-1", now: now, validity: validity)
        return StoredIdentity(
            principal: principal, trustDomain: pki.trustDomain, cloud: cloud, keyPEM: client.keyPEM,
            chainPEM: client.chainPEM, rootPEM: (root ?? pki.root).certificatePEM,
            renewTime: now.addingTimeInterval(57_600))
    }

    func verdicts(_ identity: StoredIdentity, now: Date) async -> [String: DoctorFinding] {
        let findings = await CertificateChecks.identity(identity, now: now)
        return Dictionary(uniqueKeysWithValues: findings.map { ($0.check, $0) })
    }

    @Test func theTimesOfACertificateAreToldApart() async throws {
        let now = Date()
        let identity = try identity(now: now)
        #expect(await verdicts(identity, now: now)["certificate.times"]?.verdict == .good)
        let old = await verdicts(identity, now: now.addingTimeInterval(60_000))["certificate.times"]
        #expect(old?.verdict == .warning, "past two thirds")
        let expired = await verdicts(identity, now: now.addingTimeInterval(10 * 86_400 + 60))
        #expect(expired["certificate.times"]?.verdict == .failure)
        #expect(expired["certificate.times"]?.message.contains("expired 9 days ago") == true, "\(expired)")
        #expect(expired["certificate.chain"]?.verdict == .good, "the chain is whole all the same")
        let early = await verdicts(identity, now: now.addingTimeInterval(-86_400))["certificate.times"]
        #expect(early?.verdict == .failure)
        #expect(early?.advice?.contains("set the clock") == true)
    }

    @Test func aChainToAnotherRootFails() async throws {
        let other = try TestPKI()
        let identity = try identity(root: other.root)
        let found = await verdicts(identity, now: Date())
        #expect(found["certificate.chain"]?.verdict == .failure)
        #expect(found["certificate.times"]?.verdict == .good)
    }

    @Test func aServerCertificateHasToNameItsAddresses() throws {
        let server = try TestPKI.server(
            spiffeID: "spiffe://test.example/core/pi-1", dnsName: "pi-1.example", authority: pki.issuing)
        let leaf = try Certificates.parse(pem: server.chainPEM)[0]
        func names(_ hosts: String...) -> DoctorFinding {
            CertificateChecks.names("certificate.server.names", what: "it", leaf: leaf, hosts: hosts)
        }
        #expect(names("PI-1.example", "127.0.0.1", "::1", "0:0:0:0:0:0:0:1").verdict == .good)
        let missing = names("pi-1.example", "10.0.0.7")
        #expect(missing.verdict == .warning)
        #expect(missing.message.contains("10.0.0.7"))
    }

    @Test func aTakenPortIsToldWithItsUser() async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        let listener = AddressChecks.Listener(host: "127.0.0.1", port: port, name: "listen")
        let taken = await AddressChecks.listening(listener, running: nil)
        #expect(taken.verdict == .failure)
        #expect(taken.message.contains("(process \(getpid()))"), "\(taken.message)")
        #expect(taken.advice?.contains("--listen-port") == true)
        let own = await AddressChecks.listening(listener, running: getpid())
        #expect(own.verdict == .good)
        let other = await AddressChecks.listening(listener, running: 1)
        #expect(other.verdict == .failure, "somebody else has the port of the running program")
        try await channel.close()
        #expect(await AddressChecks.listening(listener, running: nil).verdict == .good)
        #expect(await AddressChecks.listening(listener, running: getpid()).verdict == .warning)
        let foreign = AddressChecks.Listener(host: "192.0.2.1", port: 0, name: "listen")
        #expect(
            await AddressChecks.listening(.init(host: "192.0.2.1", port: port, name: "listen"), running: nil)
                .verdict == .failure)
        #expect(await AddressChecks.listening(foreign, running: nil).verdict == .good, "nothing is tried")
    }

    @Test func advertisedAddressesHaveToLeadHere() async {
        #expect(await AddressChecks.advertised(["127.0.0.1"]).message.contains("only this machine"))
        #expect(await AddressChecks.advertised([]).verdict == .failure)
        #expect(await AddressChecks.advertised(["192.0.2.1"]).message.contains("none of this machine's"))
        #expect(await AddressChecks.advertised(["nothing.invalid"]).message.contains("cannot be resolved"))
        #expect(AddressChecks.literalBytes("[::1]")?.count == 16)
        #expect(AddressChecks.literalBytes("pi-1") == nil)
    }

    @Test func aCloudThatIsAwayOrAStrangerFails() async throws {
        let away = CloudChecks(
            identity: try identity(cloud: [NetworkEndpoint(host: "127.0.0.1", port: 1)]), now: { Date() })
        let found = await away.run()
        #expect(found.map(\.verdict) == [.failure, .skipped], "\(found)")
        // On a busy machine the deadline may be over before the refusal is seen: either way the address is named.
        #expect(found[0].message.contains("at 127.0.0.1:1"), "\(found)")
        let stranger = try FakeCloud()
        try await stranger.run { ports in
            let checks = CloudChecks(
                identity: try identity(cloud: [NetworkEndpoint(host: "127.0.0.1", port: ports.mutual)]),
                now: { Date() })
            let findings = await checks.run()
            #expect(findings[0].verdict == .failure)
            #expect(findings[0].message.contains("not trusted"), "\(findings)")
        }
    }
}
