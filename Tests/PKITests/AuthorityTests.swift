import Crypto
import Foundation
import Identity
import PKI
import SwiftASN1
import Testing
import X509
import _CryptoExtras

let trustDomain = "farm.example"
let day: TimeInterval = 86_400

@Suite struct AuthorityTests {
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    let root: CertificateAuthority
    let issuing: CertificateAuthority
    let principal: Principal

    init() throws {
        root = try CertificateAuthority.makeRoot(trustDomain: trustDomain, now: now)
        issuing = try root.makeIssuing(now: now)
        principal = try Principal(role: .thing, name: "bme680-1")
    }

    @Test func authoritiesHaveTheValidityAndConstraintsThatAreStated() throws {
        let group = try CertificateAuthority.makeGroup(group: "hall", now: now)
        for (authority, path, days) in [(root, 1, 7_300.0), (issuing, 0, 1_825), (group, 0, 400)] {
            let certificate = authority.certificate
            #expect(certificate.notValidBefore == now.addingTimeInterval(-3_600))
            #expect(certificate.notValidAfter == now.addingTimeInterval(days * day))
            #expect(
                try certificate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: path))
            #expect(certificate.extensions[oid: .X509ExtensionID.basicConstraints]?.critical == true)
            let usage = try #require(try certificate.extensions.keyUsage)
            #expect(usage.keyCertSign && usage.cRLSign && !usage.digitalSignature)
            #expect(certificate.extensions[oid: .X509ExtensionID.keyUsage]?.critical == true)
            #expect(try certificate.extensions.subjectKeyIdentifier != nil)
        }
        #expect(root.certificate.issuer == root.certificate.subject)
        #expect(issuing.certificate.issuer == root.certificate.subject)
        #expect(group.certificate.issuer == group.certificate.subject)
        #expect(
            try issuing.certificate.extensions.authorityKeyIdentifier?.keyIdentifier
                == root.certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
    }

    @Test func twoAuthoritiesOfOneGroupHaveDifferentSubjects() throws {
        let first = try CertificateAuthority.makeGroup(group: "hall", now: now)
        let second = try CertificateAuthority.makeGroup(group: "hall", now: now)
        #expect(first.certificate.subject != second.certificate.subject)
    }

    @Test func aClientCertificateSaysWhoAndForWhat() throws {
        let key = PrivateKey.generate()
        let leaf = try issuing.issueClient(
            request: key.signingRequest(commonName: "whoever"), principal: principal,
            trustDomain: trustDomain, now: now)
        let certificate = leaf.certificate
        #expect(certificate.spiffeID == "spiffe://farm.example/thing/bme680-1")
        #expect(Array(try #require(try certificate.extensions.extendedKeyUsage)) == [.clientAuth])
        #expect(try certificate.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try certificate.extensions.keyUsage?.digitalSignature == true)
        #expect(leaf.notBefore == now.addingTimeInterval(-3_600))
        #expect(leaf.notAfter == now.addingTimeInterval(365 * day))
        #expect(
            abs(leaf.renewTime.timeIntervalSince(leaf.notBefore) - (365 * day + 3_600) * 2 / 3) < 1)
        let chain = try Certificates.parse(pem: leaf.chainPEM)
        #expect(chain == [certificate, issuing.certificate])
        #expect(key.belongs(to: certificate))
        #expect(!leaf.certificate.subject.description.contains("whoever"))
    }

    @Test func aServerCertificateCarriesNamesAndAddresses() throws {
        let key = PrivateKey.generate()
        let leaf = try issuing.issueServer(
            request: key.signingRequest(commonName: "x"), spiffeID: "spiffe://farm.example/cloud",
            dnsNames: ["cloud.hedgerow.internal", "localhost"], ipAddresses: ["192.0.2.7", "2001:db8::7"],
            now: now)
        #expect(Array(try #require(try leaf.certificate.extensions.extendedKeyUsage)) == [.serverAuth])
        #expect(leaf.notAfter == now.addingTimeInterval(90 * day))
        let names = try #require(try leaf.certificate.extensions.subjectAlternativeNames)
        #expect(names.contains(.uniformResourceIdentifier("spiffe://farm.example/cloud")))
        #expect(names.contains(.dnsName("localhost")))
        #expect(names.contains(.ipAddress(ASN1OctetString(contentBytes: [192, 0, 2, 7]))))
        #expect(names.count == 5)
    }

    @Test(arguments: ["", "*.example", "a b", "-a.example", "a..b", "10.0.0.1", "ä.example", "a/b"])
    func namesThatAreNoneAreRefused(_ name: String) throws {
        let request = try PrivateKey.generate().signingRequest(commonName: "x")
        let error = #expect(throws: PKIError.self) {
            try issuing.issueServer(
                request: request, spiffeID: "spiffe://a/b", dnsNames: [name], ipAddresses: [], now: now)
        }
        #expect(error?.kind == .badName)
        #expect(throws: PKIError.self) {
            try issuing.issueServer(
                request: request, spiffeID: "spiffe://a/b", dnsNames: [], ipAddresses: ["localhost"], now: now
            )
        }
    }

    @Test(arguments: ["", "Farm.example", "farm example", "farm/x", "ä"])
    func trustDomainsThatAreNoneAreRefused(_ trustDomain: String) {
        #expect(!TrustDomain.isValid(trustDomain))
        let error = #expect(throws: PKIError.self) {
            try CertificateAuthority.makeRoot(trustDomain: trustDomain, now: now)
        }
        #expect(error?.kind == .badName)
    }

    @Test func noCertificateOutlivesItsAuthority() throws {
        let late = now.addingTimeInterval(5 * 365 * day - 10 * day)
        let leaf = try issuing.issueClient(
            request: PrivateKey.generate().signingRequest(commonName: "x"), principal: principal,
            trustDomain: trustDomain, now: late)
        #expect(leaf.notAfter == issuing.certificate.notValidAfter)
        let error = #expect(throws: PKIError.self) {
            try issuing.issueClient(
                request: PrivateKey.generate().signingRequest(commonName: "x"), principal: principal,
                trustDomain: trustDomain, now: now.addingTimeInterval(6 * 365 * day))
        }
        #expect(error?.kind == .authorityUnusable)
    }

    @Test func serialNumbersAreSixteenPositiveBytesAndNeverTheSame() throws {
        let request = try PrivateKey.generate().signingRequest(commonName: "x")
        var seen: Set<String> = []
        for _ in 0..<200 {
            let leaf = try issuing.issueClient(
                request: request, principal: principal, trustDomain: trustDomain, now: now)
            #expect(leaf.certificate.serialNumber.bytes.count == 16)
            #expect(leaf.serialNumber.count == 32)
            #expect(try #require(leaf.certificate.serialNumber.bytes.first) & 0x80 == 0)
            seen.insert(leaf.serialNumber)
        }
        #expect(seen.count == 200)
    }

    @Test func anAuthorityIsReadBackOnlyWithItsOwnKey() throws {
        let again = try CertificateAuthority(certificatePEM: issuing.certificatePEM, keyPEM: issuing.key.pem)
        #expect(again.certificate == issuing.certificate)
        let wrong = #expect(throws: PKIError.self) {
            try CertificateAuthority(certificatePEM: issuing.certificatePEM, keyPEM: root.key.pem)
        }
        #expect(wrong?.kind == .keyMismatch)
        let key = PrivateKey.generate()
        let leaf = try issuing.issueClient(
            request: key.signingRequest(commonName: "x"), principal: principal, trustDomain: trustDomain,
            now: now)
        let noAuthority = #expect(throws: PKIError.self) {
            try CertificateAuthority(certificatePEM: leaf.certificate.pemText(), keyPEM: key.pem)
        }
        #expect(noAuthority?.kind == .authorityUnusable)
    }

    @Test func keysAreReadBackAndNeverPrinted() throws {
        let key = PrivateKey.generate()
        let again = try PrivateKey(pem: key.pem)
        #expect(again.publicKeyFingerprint == key.publicKeyFingerprint)
        #expect(key.publicKeyFingerprint.count == 64)
        #expect(!"\(key)".contains("PRIVATE"))
        let error = #expect(throws: PKIError.self) {
            try PrivateKey(pem: "-----BEGIN PRIVATE KEY-----\nsecret")
        }
        #expect(error?.description.contains("secret") == false)
    }
}

@Suite struct SigningRequestTests {
    func request(
        _ key: Certificate.PrivateKey, _ algorithm: Certificate.SignatureAlgorithm,
        attributes: CertificateSigningRequest.Attributes = .init()
    ) throws -> [UInt8] {
        try bytes(
            CertificateSigningRequest(
                version: .v1, subject: DistinguishedName { CommonName("x") }, privateKey: key,
                attributes: attributes,
                signatureAlgorithm: algorithm))
    }

    func bytes(_ request: CertificateSigningRequest) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(request)
        return serializer.serializedBytes
    }

    @Test func goodKeysAreAccepted() throws {
        _ = try SigningRequest(der: request(.init(P256.Signing.PrivateKey()), .ecdsaWithSHA256))
        _ = try SigningRequest(der: request(.init(P384.Signing.PrivateKey()), .ecdsaWithSHA384))
        _ = try SigningRequest(der: request(.init(Curve25519.Signing.PrivateKey()), .ed25519))
        _ = try SigningRequest(
            der: request(.init(_RSA.Signing.PrivateKey(keySize: .bits2048)), .sha256WithRSAEncryption))
    }

    @Test func otherKeysAreRefused() throws {
        let rsa1024 = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1_024))
        for der in [
            try request(.init(P521.Signing.PrivateKey()), .ecdsaWithSHA512),
            try request(.init(rsa1024), .sha256WithRSAEncryption),
        ] {
            let error = #expect(throws: PKIError.self) { try SigningRequest(der: der) }
            #expect(error?.kind == .badSigningRequest)
        }
    }

    @Test func aRequestForSomebodyElsesKeyIsRefused() throws {
        let mine = P256.Signing.PrivateKey()
        let theirs = P256.Signing.PrivateKey()
        let signed = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("x") }, privateKey: .init(mine),
            attributes: .init(), signatureAlgorithm: .ecdsaWithSHA256)
        let forged = try CertificateSigningRequest(
            version: .v1, subject: signed.subject, publicKey: .init(theirs.publicKey), attributes: .init(),
            signatureAlgorithm: .ecdsaWithSHA256, signature: signed.signature)
        let error = #expect(throws: PKIError.self) { try SigningRequest(der: bytes(forged)) }
        #expect(error?.description.contains("not signed with the key") == true)
    }

    @Test func unknownAttributesAreIgnored() throws {
        let attribute = CertificateSigningRequest.Attribute(
            oid: [1, 3, 6, 1, 4, 1, 99_999, 1], values: [try ASN1Any(erasing: ASN1UTF8String("anything"))])
        let der = try request(
            .init(P256.Signing.PrivateKey()), .ecdsaWithSHA256, attributes: .init([attribute]))
        _ = try SigningRequest(der: der)
    }

    @Test func rubbishAndGiantsAreRefused() throws {
        let good = try PrivateKey.generate().signingRequest(commonName: "x")
        for der: [UInt8] in [
            [], [0x30], Array(good.dropLast()), good + [0],
            .init(repeating: 0x30, count: SigningRequest.maximumSize + 1),
        ] {
            let error = #expect(throws: PKIError.self) { try SigningRequest(der: der) }
            #expect(error?.kind == .badSigningRequest)
        }
    }

    @Test func theFingerprintIsTheKeysAndNotTheRequests() throws {
        let key = PrivateKey.generate()
        let first = try SigningRequest(der: key.signingRequest(commonName: "a"))
        let second = try SigningRequest(der: key.signingRequest(commonName: "b"))
        #expect(first.publicKeyFingerprint == key.publicKeyFingerprint)
        #expect(second.publicKeyFingerprint == key.publicKeyFingerprint)
    }
}
