import Foundation
import HedgerowAPI
import Identity
import Messaging
import PKI
import RPCSupport
import Synchronization
import TestSupport
import Testing

@testable import ThingClient

@Suite("A thing's identity, and finding its core, over TLS", .timeLimit(.minutes(5)))
struct ThingIdentityTests {
    private let events = EventLog()

    private func configuration(
        _ directory: String, token: TokenFile?
    ) throws -> ThingConfiguration {
        var configuration = ThingConfiguration(state: directory + "/state")
        if let token {
            configuration.token = directory + "/thing.token"
            try token.write(to: directory + "/thing.token")
        }
        configuration.backoff = Backoff(initial: .milliseconds(10), maximum: .milliseconds(50))
        configuration.connectTimeout = .seconds(20)
        configuration.onEvent = { [events] in events.add($0) }
        return configuration
    }

    private func stored(_ registry: FakeRegistry) -> [Double] {
        registry.core.state.stored.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    @Test func itEnrolsDiscoversAndPublishesToItsCore() async throws {
        let registry = try FakeRegistry()
        try await withTemporaryDirectory { directory in
            try await registry.run { token in
                let configuration = try configuration(directory, token: token)
                #expect(try await ThingIdentity.read(configuration).spiffeID == nil)
                try await withThing(configuration) { thing in
                    try await thing.publish("bme680/readings", ["value": 1.0])
                }
                #expect(stored(registry) == [1])
                let identity = try await ThingIdentity.read(configuration)
                #expect(identity.spiffeID == "spiffe://test.example/thing/bme680-1")
                // The second start needs neither token nor enrolment nor discovery.
                try FileManager.default.removeItem(atPath: directory + "/thing.token")
                registry.state.withLock { $0.discoveryFails = true }
                try await withThing(configuration) { thing in
                    try await thing.publish("bme680/readings", ["value": 2.0])
                }
                #expect(registry.state.withLock { ($0.enrolls, $0.discoveries) } == (1, 1))
            }
            let mode = try FileManager.default.attributesOfItem(atPath: directory + "/state/identity.json")
            #expect(mode[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func aLostAnswerIsAskedForAgainWithTheSameKey() async throws {
        let registry = try FakeRegistry()
        registry.state.withLock { $0.repliesToLose = 2 }
        try await withTemporaryDirectory { directory in
            try await registry.run { token in
                let configuration = try configuration(directory, token: token)
                // The process dies after the first lost answer.
                await #expect(throws: CallerError.self) { try await ThingIdentity.enroll(configuration) }
                try await withThing(configuration) { thing in
                    try await thing.publish("bme680/readings", ["value": 1.0])
                }
                #expect(stored(registry) == [1])
                #expect(registry.state.withLock { $0.enrolls } == 3)
            }
        }
    }

    @Test func aRefusedTokenEndsTheThingAtOnce() async throws {
        let registry = try FakeRegistry()
        registry.state.withLock { $0.acceptsToken = false }
        try await withTemporaryDirectory { directory in
            try await registry.run { token in
                let configuration = try configuration(directory, token: token)
                do {
                    try await withThing(configuration) { thing in
                        try await thing.publishAndWait("bme680/readings", ["value": 1.0])
                    }
                    Issue.record("it ran")
                } catch let error as ThingError {
                    guard case .enrollmentRefused(let text) = error else {
                        Issue.record("another error: \(error)")
                        return
                    }
                    #expect(text.contains("spent"))
                }
                #expect(registry.state.withLock { $0.enrolls } == 1)
            }
        }
    }

    @Test func aCertificatePastTwoThirdsIsRenewedWithAnotherKey() async throws {
        let registry = try FakeRegistry()
        // Certificates begin an hour before they are issued, so two thirds of this one are over already.
        registry.state.withLock { $0.validity = .seconds(600) }
        try await withTemporaryDirectory { directory in
            try await registry.run { token in
                let configuration = try configuration(directory, token: token)
                _ = try await ThingIdentity.enroll(configuration)
                let before = try #require(try IdentityDirectory(path: directory + "/state").load())
                registry.state.withLock { $0.validity = CertificateAuthority.Validity.client }
                // Time goes on to where renewal is due.
                var later = configuration
                later.now = { max(Date(), before.renewTime.addingTimeInterval(1)) }
                try await withThing(later) { thing in
                    try await eventually("renewed") {
                        events.all.contains { if case .certificateRenewed = $0 { true } else { false } }
                    }
                    try await thing.publish("bme680/readings", ["value": 1.0])
                }
                let after = try #require(try IdentityDirectory(path: directory + "/state").load())
                #expect(after.keyPEM != before.keyPEM)
                #expect(after.renewTime > before.renewTime.addingTimeInterval(86_400))
                #expect(stored(registry) == [1])
            }
        }
    }

    @Test func directPublishesToTheCloud() async throws {
        let registry = try FakeRegistry()
        try await withTemporaryDirectory { directory in
            try await registry.run { token in
                var configuration = try configuration(directory, token: token)
                configuration.direct = true
                try await withThing(configuration) { thing in
                    try await thing.publish("bme680/readings", ["value": 1.0])
                    try await thing.flush()
                    #expect(thing.statistics.currentCore == "cloud")
                }
                #expect(registry.cloud.state.stored.count == 1)
                #expect(registry.state.withLock { $0.discoveries } == 0)
            }
        }
    }

    @Test func aCoreThatDoesNotVerifyMakesItAskAgain() async throws {
        let registry = try FakeRegistry()
        try await withTemporaryDirectory { directory in
            try await registry.run { token in
                let configuration = try configuration(directory, token: token)
                _ = try await ThingIdentity.enroll(configuration)
                // On disk: the authority of long ago.
                let right = registry.state.withLock { $0.answer }
                var stale = right
                stale.groups[0].caCertificates = [try registry.pki.group("hall").certificatePEM]
                await DiscoveryFile.write(stale, in: directory + "/state") { events.add($0) }
                try await withThing(configuration) { thing in
                    try await thing.publish("bme680/readings", ["value": 1.0])
                }
                #expect(stored(registry) == [1])
                #expect(registry.state.withLock { $0.discoveries } == 1)
                #expect(
                    events.all.contains {
                        if case .disconnected("pi-1", let reason) = $0 {
                            reason.contains("not trusted")
                        } else {
                            false
                        }
                    })
            }
        }
    }

    @Test func aThingThatIsNotDeployedSaysSoAndWaits() async throws {
        let registry = try FakeRegistry()
        registry.state.withLock { $0.discoveryFails = true }
        try await withTemporaryDirectory { directory in
            try await registry.run { token in
                let configuration = try configuration(directory, token: token)
                try await withThing(configuration) { thing in
                    try await thing.publish("bme680/readings", ["value": 1.0])
                    try await eventually("said") { thing.lastProblem?.contains("not deployed") == true }
                    registry.state.withLock { $0.discoveryFails = false }
                }
                #expect(stored(registry) == [1])
            }
        }
    }

    @Test func aDamagedIdentityIsNeverTakenForNone() async throws {
        let registry = try FakeRegistry()
        try await withTemporaryDirectory { directory in
            try await registry.run { token in
                let configuration = try configuration(directory, token: token)
                _ = try await ThingIdentity.enroll(configuration)
                try Data("{".utf8).write(to: URL(fileURLWithPath: directory + "/state/identity.json"))
                await #expect(throws: ThingError.self) { try await ThingIdentity.read(configuration) }
                await #expect(throws: ThingError.self) {
                    try await withThing(configuration) { try await $0.publishAndWait("t", ["value": 1.0]) }
                }
                #expect(registry.state.withLock { $0.enrolls } == 1)
            }
        }
    }

    @Test func tokenAndStateOfTwoThingsAreRefused() async throws {
        let registry = try FakeRegistry()
        try await withTemporaryDirectory { directory in
            try await registry.run { token in
                let configuration = try configuration(directory, token: token)
                _ = try await ThingIdentity.enroll(configuration)
                let other = TokenFile(
                    role: .thing, name: "other", cloud: token.cloud, enrollment: token.enrollment,
                    rootCertificate: token.rootCertificate, token: "x", expireTime: token.expireTime,
                    trustDomain: token.trustDomain)
                try other.write(to: directory + "/thing.token")
                await #expect(throws: ThingError.self) { try await ThingIdentity.read(configuration) }
            }
        }
    }
}
