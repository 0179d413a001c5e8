import Foundation
import Identity
import PKI
import Synchronization
import Testing

/// A directory that is gone after the test.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/hedgerow-pki-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path + "/" + name)[.posixPermissions] as? Int
    }

    var names: Set<String> { Set((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []) }
}

@Suite struct FileTests {
    let directory: TemporaryDirectory
    let now = Date(timeIntervalSince1970: 1_800_000_000)

    init() throws { directory = try TemporaryDirectory() }

    func makeIdentity(_ key: PrivateKey = .generate(), name: String = "bme680-1") throws -> StoredIdentity {
        let root = try CertificateAuthority.makeRoot(trustDomain: trustDomain, now: now)
        let issuing = try root.makeIssuing(now: now)
        let principal = try Principal(role: .thing, name: name)
        let leaf = try issuing.issueClient(
            request: key.signingRequest(commonName: "x"), principal: principal, trustDomain: trustDomain,
            now: now)
        return StoredIdentity(
            principal: principal, trustDomain: trustDomain,
            cloud: [NetworkEndpoint(host: "192.0.2.1", port: 8443)],
            keyPEM: key.pem, chainPEM: leaf.chainPEM, rootPEM: root.certificatePEM, renewTime: leaf.renewTime)
    }

    @Test func aFileIsReplacedAsAWholeAndPrivate() throws {
        let path = directory.path + "/f"
        #expect(try DurableFile.read(path) == nil)
        try DurableFile.write([1, 2, 3], to: path)
        try DurableFile.write([4], to: path)
        #expect(try DurableFile.read(path) == [4])
        #expect(try directory.mode("f") == 0o600)
        #expect(directory.names == ["f"])
        #expect(throws: FileFailure.self) { try DurableFile.write([1], to: directory.path + "/no/f") }
        #expect(throws: FileFailure.self) { try DurableFile.read(directory.path) }
        try DurableFile.remove(path)
        try DurableFile.remove(path)
        #expect(directory.names.isEmpty)
    }

    @Test func directoriesAreMadeWithTheirParents() throws {
        try DurableFile.makeDirectory(directory.path + "/a/b/c")
        try DurableFile.makeDirectory(directory.path + "/a/b/c")
        #expect(try directory.mode("a/b/c") == 0o700)
        try DurableFile.write([], to: directory.path + "/file")
        #expect(throws: FileFailure.self) { try DurableFile.makeDirectory(directory.path + "/file") }
    }

    @Test func anIdentityIsReadBack() throws {
        let store = IdentityDirectory(path: directory.path + "/identity")
        #expect(try store.load() == nil)
        let identity = try makeIdentity()
        try store.save(identity)
        #expect(try store.load() == identity)
        #expect(try directory.mode("identity/identity.json") == 0o600)
        #expect(try directory.mode("identity/key.pem") == 0o600)
        let renewed = try makeIdentity()
        try store.save(renewed)
        #expect(try store.load() == renewed)
        #expect(!"\(renewed)".contains("PRIVATE"))
    }

    @Test func whatCannotBeReadIsNeverTakenForAbsent() throws {
        let store = IdentityDirectory(path: directory.path)
        let good = try JSONEncoder().encode(try makeIdentity())
        for damaged in [[], Array(good.prefix(good.count / 2)), Array("{}".utf8), [0, 0, 0, 0]] {
            try DurableFile.write(damaged, to: directory.path + "/identity.json")
            let error = #expect(throws: IdentityFileError.self) { try store.load() }
            #expect(error?.kind == .unreadable)
        }
        try DurableFile.remove(directory.path + "/identity.json")
        try FileManager.default.createDirectory(
            atPath: directory.path + "/identity.json", withIntermediateDirectories: false)
        let error = #expect(throws: IdentityFileError.self) { try store.load() }
        #expect(error?.kind == .unreadable)
    }

    @Test func partsThatDoNotBelongTogetherAreNeitherReadNorWritten() throws {
        let store = IdentityDirectory(path: directory.path)
        var identity = try makeIdentity()
        identity.keyPEM = PrivateKey.generate().pem
        let written = #expect(throws: IdentityFileError.self) { try store.save(identity) }
        #expect(written?.kind == .inconsistent)
        #expect(directory.names.isEmpty)
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        try DurableFile.write(Array(encoder.encode(identity)), to: directory.path + "/identity.json")
        let read = #expect(throws: IdentityFileError.self) { try store.load() }
        #expect(read?.kind == .inconsistent)
        var other = try makeIdentity()
        other.principal = try Principal(role: .operator, name: "bme680-1")
        let role = #expect(throws: IdentityFileError.self) { try store.save(other) }
        #expect(role?.kind == .inconsistent)
    }

    @Test func aPendingKeyStaysTheSameUntilItsCertificateIsStored() throws {
        let store = IdentityDirectory(path: directory.path + "/new")
        let key = try store.pendingKey()
        #expect(try store.pendingKey().publicKeyFingerprint == key.publicKeyFingerprint)
        #expect(try directory.mode("new/pending-key.pem") == 0o600)
        #expect(try store.load() == nil)
        try store.save(try makeIdentity(key))
        #expect(try store.pendingKey().publicKeyFingerprint != key.publicKeyFingerprint)
    }

    @Test func aTokenFileIsReadBackAndSecret() throws {
        let identity = try makeIdentity()
        let file = TokenFile(
            role: .thing, name: "bme680-1", cloud: [NetworkEndpoint(host: "cloud.example", port: 8443)],
            enrollment: [NetworkEndpoint(host: "::1", port: 8444)], rootCertificate: identity.rootPEM,
            token: "s3cr3t-token", expireTime: now, trustDomain: trustDomain)
        let path = directory.path + "/t.token"
        try file.write(to: path)
        #expect(try TokenFile.read(from: path) == file)
        #expect(try TokenFile(json: file.json()) == file)
        #expect(try directory.mode("t.token") == 0o600)
        #expect(!"\(file)".contains("s3cr3t"))
    }

    @Test func tokenFilesThatAreNoneSayWhy() throws {
        let path = directory.path + "/t.token"
        let absent = #expect(throws: IdentityFileError.self) { try TokenFile.read(from: path) }
        #expect(absent?.kind == .absent)
        for text in ["", "hello", "{}", #"{"version":1}"#, String(repeating: "x", count: 70_000)] {
            let error = #expect(throws: IdentityFileError.self) { try TokenFile(json: text) }
            #expect(error?.kind == .unreadable)
        }
        let missing = #expect(throws: IdentityFileError.self) { try TokenFile(json: #"{"version":1}"#) }
        #expect(missing?.description.contains("is missing") == true)
    }

    @Test func theClockNeverGoesBehindTheLastKnownTime() throws {
        let path = directory.path + "/clock"
        let system = Mutex(now)
        let first = ClockFloor(path: path, system: { system.withLock { $0 } })
        #expect(first.now() == now)
        #expect(first.systemClockBehind == nil)
        first.persist()
        // The box wakes up in 1970.
        system.withLock { $0 = Date(timeIntervalSince1970: 30) }
        let second = ClockFloor(path: path, system: { system.withLock { $0 } })
        #expect(abs(second.now().timeIntervalSince(now)) < 5)
        #expect(try #require(second.systemClockBehind) > .seconds(1_000_000))
        // The server says what time it is.
        second.observe(now.addingTimeInterval(3 * day))
        #expect(abs(second.now().timeIntervalSince(now) - 3 * day) < 5)
        second.observe(now)
        #expect(second.now() >= now.addingTimeInterval(3 * day))
        // And then the system clock is set.
        system.withLock { $0 = now.addingTimeInterval(4 * day) }
        #expect(second.now() == now.addingTimeInterval(4 * day))
        #expect(second.systemClockBehind == nil)
        #expect(second.problem == nil)
    }

    @Test func theTimeIsWrittenAtMostOnceAMinute() throws {
        let path = directory.path + "/clock"
        let system = Mutex(now)
        let clock = ClockFloor(path: path, system: { system.withLock { $0 } })
        clock.persist()
        let first = try DurableFile.read(path)
        system.withLock { $0 += 59 }
        clock.persist()
        #expect(try DurableFile.read(path) == first)
        system.withLock { $0 += 2 }
        clock.persist()
        #expect(try DurableFile.read(path) != first)
    }

    @Test func aDamagedClockFileStopsNothing() throws {
        let path = directory.path + "/clock"
        try DurableFile.write(Array("rubbish".utf8), to: path)
        let clock = ClockFloor(path: path, system: { [now] in now })
        #expect(clock.now() == now)
        #expect(clock.problem != nil)
        clock.persist()
        #expect(clock.problem == nil)
    }

    @Test func blockingWorkReturnsAndThrows() async throws {
        #expect(try await BlockingIO.run { 7 } == 7)
        await #expect(throws: FileFailure.self) { try await BlockingIO.run { try DurableFile.read("/") } }
    }

    @Test(arguments: [
        ("192.0.2.1:443", "192.0.2.1", 443), ("[::1]:8443", "::1", 8_443),
        ("cloud.example:1", "cloud.example", 1),
    ])
    func endpointsAreReadAndWritten(_ text: String, _ host: String, _ port: Int) {
        let endpoint = NetworkEndpoint(text)
        #expect(endpoint == NetworkEndpoint(host: host, port: port))
        #expect(endpoint?.description == text)
    }

    @Test(arguments: ["", ":1", "a", "a:", "a:0", "a:65536", "::1:80", "a b:80", "a:x", "http://a:80"])
    func otherEndpointsAreNot(_ text: String) {
        #expect(NetworkEndpoint(text) == nil)
    }

    @Test func addressesAreToldFromNames() {
        #expect(IPLiteral("192.0.2.1") == .v4([192, 0, 2, 1]))
        #expect(IPLiteral("::1")?.bytes.count == 16)
        #expect(IPLiteral("[::1]") == IPLiteral("::1"))
        for name in ["localhost", "192.0.2", "192.0.2.1.example", "[192.0.2.1]", "fe80::1%eth0", ""] {
            #expect(IPLiteral(name) == nil, "\(name)")
        }
    }
}
