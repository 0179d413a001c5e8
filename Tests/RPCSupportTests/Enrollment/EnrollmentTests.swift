import Foundation
import GRPCCore
import Identity
import Logging
import Messaging
import PKI
import RPCSupport
import TestSupport
import Testing

@Suite("Enrolment", .timeLimit(.minutes(5)))
struct EnrollmentTests {
    let cloud: FakeCloud
    let core: Principal
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws {
        cloud = try FakeCloud()
        core = try Principal(role: .core, name: "pi-1")
    }

    @Test("a token becomes an identity, once")
    func enrolsOnce() async throws {
        try await withTemporaryDirectory { path in
            let directory = IdentityDirectory(path: path + "/identity")
            try await cloud.run { ports in
                let token = cloud.tokenFile(core, ports: ports)
                let identity = try await Enrollment.enroll(
                    tokenFile: token, directory: directory, logger: logger)
                #expect(identity.principal == core)
                #expect(try directory.load() == identity)
                let again = try await Enrollment.enroll(
                    tokenFile: token, directory: directory, logger: logger)
                #expect(again == identity)
                #expect(cloud.enrollCalls == 1)
            }
        }
    }

    @Test("a lost reply costs nothing: the same key is used again")
    func lostReply() async throws {
        try await withTemporaryDirectory { path in
            let directory = IdentityDirectory(path: path)
            try await cloud.run { ports in
                let token = cloud.tokenFile(core, ports: ports)
                cloud.loseEnrollReplies(1)
                let error = await #expect(throws: EnrollmentError.self) {
                    try await Enrollment.enroll(tokenFile: token, directory: directory, logger: logger)
                }
                #expect(error?.kind == .unreachable)
                #expect(try directory.load() == nil)
                // As another process would, after a crash: nothing but the directory is left.
                let identity = try await Enrollment.enroll(
                    tokenFile: token, directory: IdentityDirectory(path: path), logger: logger)
                #expect(identity.principal == core)
                #expect(cloud.enrollCalls == 2)
            }
        }
    }

    @Test("a token that another key spent is refused with its reason")
    func spentToken() async throws {
        try await withTemporaryDirectory { path in
            try await cloud.run { ports in
                let token = cloud.tokenFile(core, ports: ports)
                _ = try await Enrollment.enroll(
                    tokenFile: token, directory: IdentityDirectory(path: path + "/a"), logger: logger)
                let thief = IdentityDirectory(path: path + "/b")
                let error = await #expect(throws: EnrollmentError.self) {
                    try await Enrollment.enrollWhenReachable(
                        tokenFile: token, directory: thief, logger: logger)
                }
                #expect(error?.kind == .tokenNotAccepted)
                #expect(try thief.load() == nil)
            }
        }
    }

    @Test("a server that the pinned root did not sign gets no token")
    func pinnedRoot() async throws {
        let stranger = try CertificateAuthority.makeRoot(trustDomain: FakeCloud.trustDomain, now: Date())
        try await withTemporaryDirectory { path in
            try await cloud.run { ports in
                let token = cloud.tokenFile(core, ports: ports, rootPEM: stranger.certificatePEM)
                let error = await #expect(throws: EnrollmentError.self) {
                    try await Enrollment.enroll(
                        tokenFile: token, directory: IdentityDirectory(path: path), logger: logger)
                }
                #expect(error?.kind == .notThisCloud)
                #expect(cloud.enrollCalls == 0)
            }
        }
    }

    @Test("the identity of somebody else is never overwritten")
    func otherIdentity() async throws {
        let other = try Principal(role: .core, name: "pi-2")
        try await withTemporaryDirectory { path in
            let directory = IdentityDirectory(path: path)
            try await cloud.run { ports in
                _ = try await Enrollment.enroll(
                    tokenFile: cloud.tokenFile(core, ports: ports), directory: directory, logger: logger)
                let error = await #expect(throws: EnrollmentError.self) {
                    try await Enrollment.enroll(
                        tokenFile: cloud.tokenFile(other, ports: ports), directory: directory, logger: logger)
                }
                #expect(error?.kind == .otherIdentity)
                #expect(try directory.load()?.principal == core)
            }
        }
    }

    @Test("a damaged identity is an error, not a reason to enrol anew (lesson 1)")
    func damagedIdentity() async throws {
        try await withTemporaryDirectory { path in
            let directory = IdentityDirectory(path: path)
            try await cloud.run { ports in
                let token = cloud.tokenFile(core, ports: ports)
                _ = try await Enrollment.enroll(tokenFile: token, directory: directory, logger: logger)
                try Data("{".utf8).write(to: URL(fileURLWithPath: path + "/identity.json"))
                await #expect(throws: IdentityFileError.self) {
                    try await Enrollment.enroll(tokenFile: token, directory: directory, logger: logger)
                }
                #expect(cloud.enrollCalls == 1)
            }
        }
    }

    @Test("enrolment waits for a cloud that is away")
    func waitsForCloud() async throws {
        try await withTemporaryDirectory { path in
            // The first run only finds out the ports.
            let ports = try await cloud.run { $0 }
            let token = cloud.tokenFile(core, ports: ports)
            try await withThrowingTaskGroup(of: StoredIdentity.self) { group in
                group.addTask { [logger] in
                    try await Enrollment.enrollWhenReachable(
                        tokenFile: token, directory: IdentityDirectory(path: path),
                        backoff: Backoff(initial: .milliseconds(20), maximum: .milliseconds(50)),
                        logger: logger)
                }
                // The key is on disk before the cloud is asked for the first time.
                try await eventually("a pending key") {
                    FileManager.default.fileExists(atPath: path + "/pending-key.pem")
                }
                try await cloud.run { _ in
                    let identity = try await group.next()
                    #expect(identity?.principal == core)
                }
            }
        }
    }
}
