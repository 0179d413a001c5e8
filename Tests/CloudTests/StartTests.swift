import Foundation
import GRDB
import HedgerowAPI
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Starting, stopping and starting again.
@Suite struct StartTests {
    private func start(_ state: String, _ configure: (inout CloudConfiguration) -> Void = { _ in })
        async throws
    {
        var configuration = RunningCloud.configuration(state)
        configure(&configuration)
        _ = try await CloudServer(configuration: configuration, logger: RunningCloud.logger)
    }

    private func startError(
        _ state: String, _ configure: (inout CloudConfiguration) -> Void = { _ in }
    ) async throws -> CloudStartError? {
        do {
            try await start(state, configure)
            return nil
        } catch let error as CloudStartError {
            return error
        }
    }

    @Test func aRestartKeepsEverything() async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            let (admin, core, thing, deployment) = try await withCloud(state: state) { cloud in
                let admin = try await cloud.enrollOperator()
                let core = try await cloud.register(admin, .core, "c")
                let thing = try await cloud.register(admin, .thing, "t")
                try await cloud.apply(
                    admin,
                    "{kind: Group, name: g, cores: [c], things: [t], subscriptions: "
                        + "[{from: cloud, topic: cmd/#, to: 'thing:*'}]}")
                let deployment = try await cloud.deploy(admin, "g")
                try await cloud.attach(core) { attached in
                    attached.hello()
                    _ = try await attached.assignment()
                    attached.report(deployment.id, .succeeded)
                    try await eventually("it is deployed") {
                        try await cloud.deployment(admin, deployment.id).cores[0].status == .succeeded
                    }
                }
                return (admin, core, thing, deployment)
            }
            let token = try Data(contentsOf: URL(fileURLWithPath: state + "/operator.token"))
            try await withCloud(state: state) { cloud in
                let directory = cloud.server.context.directory
                #expect(directory.mayCarry(core: "c", thing: "t"))
                #expect(directory.group(ofThing: "t") == "g")
                #expect(directory.isRegistered(thing: "t"))
                #expect(directory.isCore("c", in: "g"))
                #expect(
                    directory.cloudSubscriptions() == [
                        CloudSubscription(group: "g", filter: "cmd/#", toThings: ["t"])
                    ])
                #expect(try await cloud.deployment(admin, deployment.id).cores[0].status == .succeeded)
                #expect(try await cloud.discover(thing).groups.map(\.group) == ["g"])
                try await cloud.attach(core) { attached in
                    attached.hello(group: "g", revision: 1)
                    _ = try await attached.welcome()
                }
                // Only the first start leaves a token.
                #expect(try Data(contentsOf: URL(fileURLWithPath: state + "/operator.token")) == token)
            }
        }
    }

    @Test func revocationsSurviveARestart() async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            let thing = try await withCloud(state: state) { cloud in
                let admin = try await cloud.enrollOperator()
                let thing = try await cloud.register(admin, .thing, "t")
                _ = try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).deleteThing(.with { $0.name = "t" })
                }
                return thing
            }
            let serial = try Certificates.parse(pem: thing.chainPEM)[0].serialNumberText
            try await withCloud(state: state) { cloud in
                #expect(cloud.server.context.revocations.all == [serial])
            }
        }
    }

    @Test func twoProcessesCannotUseOneStateDirectory() async throws {
        try await withCloud { cloud in
            let error = try await startError(cloud.state)
            #expect(error == .stateInUse(path: cloud.state))
        }
    }

    /// Lesson 15: also where the lock did not keep them apart.
    @Test func twoStartsDoNotMakeTwoAuthorities() async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            try FileManager.default.createDirectory(atPath: state + "/pki", withIntermediateDirectories: true)
            let database = try CloudDatabase(path: state + "/cloud.sqlite", logger: RunningCloud.logger)
            let store = SQLiteCredentialStore(database: database)
            let now = Date()
            let roots = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let root = try CertificateAuthority.makeRoot(trustDomain: "hedgerow", now: now)
                        let stored = try await store.createCloudAuthorities(
                            root: AuthorityRecord(root, kind: .root, at: now),
                            issuing: AuthorityRecord(try root.makeIssuing(now: now), kind: .issuing, at: now))
                        return stored.root.fingerprint
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(roots.count == 1)
            let count = try await database.read {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM authority")
            }
            #expect(count == 2)
        }
    }

    @Test func keysHaveMode0600AndTheDatabaseSyncsEveryCommit() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .core, "c")
            try await cloud.apply(admin, "{kind: Group, name: g, cores: [c]}")
            let keys = try FileManager.default.contentsOfDirectory(atPath: cloud.state + "/pki")
            #expect(keys.count == 3)
            for key in keys {
                let attributes = try FileManager.default.attributesOfItem(atPath: cloud.state + "/pki/" + key)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
            let database = try FileManager.default.attributesOfItem(atPath: cloud.state + "/cloud.sqlite")
            #expect(database[.posixPermissions] as? Int == 0o600)
            let synchronous = try await cloud.server.context.database.pool.writeWithoutTransaction {
                try Int.fetchOne($0, sql: "PRAGMA synchronous")
            }
            #expect(synchronous == 2)
            let ports = try JSONDecoder().decode(
                [String: Int].self, from: Data(contentsOf: URL(fileURLWithPath: cloud.state + "/ports.json")))
            #expect(ports == ["mtls": cloud.ports.mtls, "enrollment": cloud.ports.enrollment])
        }
    }

    /// Lesson 1: what cannot be read is never made anew.
    @Test(arguments: ["root.key", "issuing.key"])
    func anUnreadableKeyIsRefusedAndNotMadeAnew(name: String) async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            try await start(state)
            let file = URL(fileURLWithPath: state + "/pki/" + name)
            let good = try Data(contentsOf: file)

            try Data("garbage".utf8).write(to: file)
            guard case .authorityUnusable = try await startError(state) else {
                Issue.record("a damaged key was accepted")
                return
            }
            #expect(try Data(contentsOf: file) == Data("garbage".utf8))
            try Data(PrivateKey.generate().pem.utf8).write(to: file)
            guard case .authorityUnusable = try await startError(state) else {
                Issue.record("another key was accepted")
                return
            }
            try FileManager.default.removeItem(at: file)
            #expect(try await startError(state) == .keyMissing(keyFile: file.path))
            #expect(!FileManager.default.fileExists(atPath: file.path))
            try good.write(to: file)
            #expect(try await startError(state) == nil)
        }
    }

    @Test func aMissingKeyOfAGroupIsRefused() async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            try await withCloud(state: state) { cloud in
                let admin = try await cloud.enrollOperator()
                _ = try await cloud.register(admin, .core, "c")
                try await cloud.apply(admin, "{kind: Group, name: g, cores: [c]}")
            }
            let keys = try FileManager.default.contentsOfDirectory(atPath: state + "/pki")
            let key = state + "/pki/" + (try #require(keys.first { $0.hasPrefix("group-") }))
            try FileManager.default.removeItem(atPath: key)
            #expect(try await startError(state) == .keyMissing(keyFile: key))
        }
    }

    @Test func keysWithoutTheirDatabaseAreRefused() async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            try await start(state)
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: state + "/cloud.sqlite" + suffix)
            }
            #expect(try await startError(state) == .databaseLost(keyFile: state + "/pki/root.key"))
        }
    }

    @Test func aFirstStartThatWasCutShortIsTakenUpAgain() async throws {
        try await withTemporaryDirectory { directory in
            // Cut before the database had the certificates: only staged keys are there.
            let early = directory + "/early"
            try FileManager.default.createDirectory(atPath: early + "/pki", withIntermediateDirectories: true)
            try Data("half a key".utf8).write(to: URL(fileURLWithPath: early + "/pki/root.key.new"))
            try await start(early)
            // Cut after: the keys are still under their staged names.
            let late = directory + "/late"
            try await start(late)
            for name in ["root.key", "issuing.key"] {
                try FileManager.default.moveItem(
                    atPath: late + "/pki/" + name, toPath: late + "/pki/" + name + ".new")
            }
            try await start(late)
            #expect(FileManager.default.fileExists(atPath: late + "/pki/root.key"))
            #expect(!FileManager.default.fileExists(atPath: late + "/pki/root.key.new"))
        }
    }

    @Test func anotherTrustDomainIsRefused() async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            try await start(state)
            let error = try await startError(state) { $0.trustDomain = "other.example" }
            #expect(error == .otherTrustDomain(configured: "other.example", stored: "hedgerow"))
        }
    }

    @Test func aDatabaseOfANewerVersionAndADamagedOneAreRefusedAndLeftAlone() async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            try await start(state)
            do {
                let queue = try DatabaseQueue(path: state + "/cloud.sqlite")
                try await queue.write {
                    try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('from-the-future')")
                }
                try queue.close()
            }
            guard case .databaseUnusable(let reason) = try await startError(state) else {
                Issue.record("a newer database was accepted")
                return
            }
            #expect(reason.contains("newer"))

            let file = URL(fileURLWithPath: state + "/cloud.sqlite")
            for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file.path + suffix) }
            let garbage = Data(repeating: 7, count: 8_192)
            try garbage.write(to: file)
            guard case .databaseUnusable = try await startError(state) else {
                Issue.record("a damaged database was accepted")
                return
            }
            #expect(try Data(contentsOf: file) == garbage)
        }
    }

    @Test func aPortInUseIsNamed() async throws {
        try await withCloud { cloud in
            try await withTemporaryDirectory { directory in
                var configuration = RunningCloud.configuration(directory + "/other")
                configuration.listener.port = cloud.ports.mtls
                let other = try await CloudServer(configuration: configuration, logger: RunningCloud.logger)
                let error = await #expect(throws: CloudStartError.self) { try await other.run() }
                guard case .cannotListen("listen.port", "127.0.0.1:\(cloud.ports.mtls)", _) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
    }

    @Test func settingsThatCannotBeUsedAreNamed() async throws {
        try await withTemporaryDirectory { directory in
            let domain = try await startError(directory + "/s") { $0.trustDomain = "Not A Domain" }
            #expect(domain?.description.contains("trustDomain") == true)
            let host = try await startError(directory + "/s") { $0.enrollmentListener.host = "nohost" }
            #expect(host?.description.contains("enrollment.host") == true)
            #expect(!FileManager.default.fileExists(atPath: directory + "/s"))
            let advertise = try await startError(directory + "/s") { $0.advertisedAddresses = ["a b"] }
            #expect(advertise?.description.contains("advertise") == true)
        }
    }
}
