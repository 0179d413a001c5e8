import Foundation
import Identity
import PKI
import Testing
import X509

@Suite struct PeerVerifierTests {
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    let root: CertificateAuthority
    let issuing: CertificateAuthority
    let thing: Principal

    init() throws {
        root = try CertificateAuthority.makeRoot(trustDomain: trustDomain, now: now)
        issuing = try root.makeIssuing(now: now)
        thing = try Principal(role: .thing, name: "bme680-1")
    }

    func client(of authority: CertificateAuthority? = nil, trustDomain: String = trustDomain) throws
        -> IssuedLeaf
    {
        try (authority ?? issuing).issueClient(
            request: PrivateKey.generate().signingRequest(commonName: "x"), principal: thing,
            trustDomain: trustDomain,
            now: now)
    }

    func server(_ id: String) throws -> IssuedLeaf {
        try issuing.issueServer(
            request: PrivateKey.generate().signingRequest(commonName: "x"), spiffeID: id,
            dnsNames: ["localhost"],
            ipAddresses: [], now: now)
    }

    func verifier(
        _ usage: PeerVerifier.Usage = .client, expecting: String? = nil, at time: Date? = nil,
        revoked: Set<String> = []
    ) -> PeerVerifier {
        let time = time ?? now
        return PeerVerifier(
            roots: [root.certificate], trustDomain: trustDomain, usage: usage, expectedSPIFFEID: expecting,
            now: { time }, isRevoked: { revoked.contains($0) })
    }

    func refusal(_ verifier: PeerVerifier, _ chain: [Certificate]) async -> PeerRefusal? {
        switch await verifier.verify(chain: chain) {
        case .success: nil
        case .failure(let refusal): refusal
        }
    }

    @Test func aGoodClientIsAccepted() async throws {
        let leaf = try client()
        let peer = try await verifier().verify(chain: [leaf.certificate, issuing.certificate]).get()
        #expect(peer.principal == thing)
        #expect(peer.spiffeID == "spiffe://farm.example/thing/bme680-1")
        #expect(peer.serialNumber == leaf.serialNumber)
        #expect(peer.chain == [leaf.certificate, issuing.certificate, root.certificate])
    }

    @Test func theCloudAsAServerIsAcceptedAndNoPrincipal() async throws {
        let id = CloudIdentity.spiffeID(trustDomain: trustDomain)
        let peer = try await verifier(.server, expecting: id)
            .verify(chain: [server(id).certificate, issuing.certificate]).get()
        #expect(peer.principal == nil)
        #expect(peer.spiffeID == id)
    }

    @Test func anotherServerThanTheMeantOneIsRefused() async throws {
        let chain = [try server("spiffe://farm.example/core/pi-2").certificate, issuing.certificate]
        #expect(
            await refusal(verifier(.server, expecting: "spiffe://farm.example/core/pi-1"), chain)
                == .unexpectedIdentity(
                    expected: "spiffe://farm.example/core/pi-1", actual: "spiffe://farm.example/core/pi-2"))
    }

    @Test func anotherCloudsClientIsRefused() async throws {
        let other = try CertificateAuthority.makeRoot(trustDomain: trustDomain, now: now).makeIssuing(
            now: now)
        let leaf = try client(of: other)
        guard case .unknownAuthority = await refusal(verifier(), [leaf.certificate, other.certificate]) else {
            Issue.record("not refused as unknown")
            return
        }
        // The chain that would be needed is not sent.
        guard case .unknownAuthority = await refusal(verifier(), [try client().certificate]) else {
            Issue.record("not refused as unknown")
            return
        }
    }

    @Test func clocksOutsideTheValidityAreToldApart() async throws {
        let leaf = try client()
        let chain = [leaf.certificate, issuing.certificate]
        #expect(
            await refusal(verifier(at: leaf.notAfter.addingTimeInterval(1)), chain)
                == .expired(at: leaf.notAfter))
        #expect(
            await refusal(verifier(at: leaf.notBefore.addingTimeInterval(-1)), chain)
                == .notYetValid(from: leaf.notBefore))
        #expect(await refusal(verifier(at: leaf.notAfter), chain) == nil)
        #expect(await refusal(verifier(at: leaf.notAfter.addingTimeInterval(0.5)), chain) == nil)
        #expect(await refusal(verifier(at: leaf.notBefore), chain) == nil)
        // A clock that is behind by less than the backdating does no harm.
        #expect(await refusal(verifier(at: now.addingTimeInterval(-3_000)), chain) == nil)
    }

    @Test func anExpiredAuthorityIsTold() async throws {
        let short = try root.makeIssuing(now: now, validity: .seconds(10 * 86_400))
        let leaf = try client(of: short)
        #expect(leaf.notAfter == short.certificate.notValidAfter)
        #expect(
            await refusal(
                verifier(at: now.addingTimeInterval(11 * day)), [leaf.certificate, short.certificate])
                == .expired(at: short.certificate.notValidAfter))
    }

    @Test func certificatesForAnotherUseAreRefused() async throws {
        let client = try client().certificate
        let server = try server("spiffe://farm.example/core/pi-1").certificate
        #expect(await refusal(verifier(.server), [client, issuing.certificate]) == .wrongUsage)
        #expect(await refusal(verifier(.client), [server, issuing.certificate]) == .wrongUsage)
        #expect(await refusal(verifier(.client), [issuing.certificate]) == .wrongUsage)
        #expect(await refusal(verifier(.client), [root.certificate]) == .wrongUsage)
    }

    @Test func aLeafCannotSign() async throws {
        // A thing that signs another certificate with its own key.
        let key = PrivateKey.generate()
        let leaf = try issuing.issueClient(
            request: key.signingRequest(commonName: "x"), principal: thing, trustDomain: trustDomain, now: now
        )
        let forgedKey = PrivateKey.generate()
        let signer = try Certificate.PrivateKey(pemEncoded: key.pem)
        let forged = try Certificate(
            version: .v3, serialNumber: .init(),
            publicKey: Certificate.PrivateKey(pemEncoded: forgedKey.pem).publicKey,
            notValidBefore: now, notValidAfter: now.addingTimeInterval(day), issuer: leaf.certificate.subject,
            subject: DistinguishedName { CommonName("root") }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.clientAuth])
                SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://farm.example/operator/root")])
            },
            issuerPrivateKey: signer)
        guard case .malformed = await refusal(verifier(), [forged, leaf.certificate, issuing.certificate])
        else {
            Issue.record("a leaf was taken for an authority")
            return
        }
    }

    @Test func revokedCertificatesAreRefused() async throws {
        let leaf = try client()
        #expect(
            await refusal(verifier(revoked: [leaf.serialNumber]), [leaf.certificate, issuing.certificate])
                == .revoked(serialNumber: leaf.serialNumber))
    }

    @Test func identitiesOfOtherTrustDomainsAndNoIdentitiesAreRefused() async throws {
        for leaf in [
            try client(trustDomain: "other.example").certificate,
            try issuing.issueServer(
                request: PrivateKey.generate().signingRequest(commonName: "x"),
                spiffeID: "https://farm.example/",
                dnsNames: [], ipAddresses: [], now: now
            ).certificate,
        ] {
            let usage: PeerVerifier.Usage =
                try #require(try leaf.extensions.extendedKeyUsage).contains(.clientAuth) ? .client : .server
            guard case .noIdentity = await refusal(verifier(usage), [leaf, issuing.certificate]) else {
                Issue.record("accepted \(leaf)")
                continue
            }
        }
        // The cloud is a server, never a client.
        let cloud = try server(CloudIdentity.spiffeID(trustDomain: trustDomain)).certificate
        #expect(await refusal(verifier(.client), [cloud, issuing.certificate]) == .wrongUsage)
    }

    @Test func emptyAndEndlessChainsAreRefused() async throws {
        #expect(await refusal(verifier(), []) == .noCertificate)
        let leaf = try client().certificate
        let chain = [leaf] + Array(repeating: issuing.certificate, count: PeerVerifier.maximumChainLength)
        guard case .malformed = await refusal(verifier(), chain) else {
            Issue.record("an endless chain was looked at")
            return
        }
    }

    @Test func everyRefusalIsASentence() {
        for refusal: PeerRefusal in [
            .noCertificate, .expired(at: now), .notYetValid(from: now), .unknownAuthority(issuer: "CN=x"),
            .wrongUsage,
            .revoked(serialNumber: "ab"), .noIdentity("why"), .unexpectedIdentity(expected: "a", actual: "b"),
            .malformed("why"),
        ] {
            #expect(refusal.description.count > 40)
        }
    }
}
