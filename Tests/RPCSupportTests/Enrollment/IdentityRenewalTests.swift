import Foundation
import GRPCCore
import Identity
import Logging
import Messaging
import PKI
import RPCSupport
import TestSupport
import Testing

@Suite("Renewal of client certificates", .timeLimit(.minutes(5)))
struct IdentityRenewalTests {
    let cloud: FakeCloud
    let core: Principal
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws {
        cloud = try FakeCloud()
        core = try Principal(role: .core, name: "pi-1")
    }

    private func enroll(_ path: String, _ ports: FakeCloud.Ports) async throws -> CurrentIdentity {
        let directory = IdentityDirectory(path: path)
        let stored = try await Enrollment.enroll(
            tokenFile: cloud.tokenFile(core, ports: ports), directory: directory, logger: logger)
        return try CurrentIdentity(stored, directory: directory)
    }

    @Test("a certificate that is due is renewed with a new key, on disk and in use")
    func renewsWhenDue() async throws {
        try await withTemporaryDirectory { path in
            try await cloud.run { ports in
                let identity = try await enroll(path, ports)
                let before = identity.stored
                let dialer = CloudDialer(identity: identity)
                let afterTwoThirds = before.renewTime.addingTimeInterval(1)
                // Renewal looks at this clock; the certificates are checked at the real time.
                let renewal = IdentityRenewal(
                    dialer: dialer, now: { identity.stored == before ? afterTwoThirds : Date() },
                    logger: logger)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await renewal.run() }
                    try await eventually("a renewed identity") { identity.stored != before }
                    group.cancelAll()
                }
                #expect(identity.stored.keyPEM != before.keyPEM)
                #expect(identity.client.chainPEM == identity.stored.chainPEM)
                #expect(try IdentityDirectory(path: path).load() == identity.stored)
                #expect(cloud.renewCalls == 1)
            }
        }
    }

    @Test("a cloud that is away does not end the service; renewal happens when it is back")
    func survivesCloudAway() async throws {
        try await withTemporaryDirectory { path in
            let identity = try await cloud.run { try await enroll(path, $0) }
            let before = identity.stored
            let renewal = IdentityRenewal(
                dialer: CloudDialer(identity: identity),
                now: { identity.stored == before ? before.renewTime.addingTimeInterval(1) : Date() },
                backoff: Backoff(initial: .milliseconds(20), maximum: .milliseconds(50)), logger: logger)
            await #expect(throws: EnrollmentError.self) { try await renewal.renew() }
            #expect(identity.stored == before)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await renewal.run() }
                try await cloud.run { _ in
                    try await eventually("a renewed identity") { identity.stored != before }
                }
                group.cancelAll()
            }
        }
    }
}
