import Components
import Foundation
import GRDB
import GRPCCore
import Messaging
import RPCSupport
import StreamStore
import TestSupport
import Testing

@testable import Cloud

/// Components, locks and old rows in the database.
@Suite struct ComponentStoreTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    private func withDatabase(_ body: @Sendable (CloudDatabase) async throws -> Void) async throws {
        try await withTemporaryDirectory { path in
            try await body(CloudDatabase(path: path + "/cloud.sqlite", logger: RunningCloud.logger))
        }
    }

    private func recipe(
        _ name: String, _ version: String, outputs: [PublishedTopic] = [], text: String = "text"
    ) throws -> RegisteredRecipe {
        RegisteredRecipe(
            component: ComponentRecord(
                name: name, version: try SemanticVersion(parsing: version), description: "d",
                digest: Array(text.utf8), createTime: Self.start, outputs: outputs), text: text)
    }

    @Test func keysSortAsVersionsDo() throws {
        var random = SeededGenerator(seed: 3)
        let parts = ["0", "1", "2", "9", "10", "11", "123456789012345678901234567890"]
        let words = ["alpha", "alpha-1", "beta", "a", "A", "z", "-", "0a"]
        var versions: [SemanticVersion] = []
        for _ in 0..<300 {
            func one(_ of: [String]) -> String { of.randomElement(using: &random) ?? "0" }
            var text = (0..<3).map { _ in one(Array(parts.dropLast())) }.joined(separator: ".")
            if Bool.random(using: &random) {
                text +=
                    "-"
                    + (0...Int.random(in: 0...2, using: &random)).map { _ in
                        one(Bool.random(using: &random) ? parts : words)
                    }.joined(separator: ".")
            }
            if Int.random(in: 0..<4, using: &random) == 0 { text += "+" + one(words) }
            versions.append(try SemanticVersion(parsing: text))
        }
        versions.append(try SemanticVersion(parsing: "9007199254740991.0.0"))
        for first in versions {
            let key = VersionSortKey.key(of: first)
            #expect(key.count <= 600)
            for second in versions {
                let other = VersionSortKey.key(of: second)
                #expect(key.lexicographicallyPrecedes(other) == (first < second), "\(first) \(second)")
                #expect((key == other) == (first == second), "\(first) \(second)")
            }
        }
    }

    @Test func theNumberOfComponentsAndOfVersionsIsBounded() async throws {
        try await withDatabase { database in
            let store = SQLiteComponentStore(database: database, maximumComponents: 2, maximumVersions: 3)
            for version in ["1.0.0", "1.1.0", "1.2.0"] {
                _ = try await store.register(recipe("a", version), dryRun: false)
            }
            _ = try await store.register(recipe("b", "1.0.0"), dryRun: false)
            for dryRun in [true, false] {
                await #expect {
                    _ = try await store.register(recipe("a", "1.3.0"), dryRun: dryRun)
                } throws: { ($0 as? StoreError)?.wire.code == .resourceExhausted }
                await #expect {
                    _ = try await store.register(recipe("c", "1.0.0"), dryRun: dryRun)
                } throws: { ($0 as? StoreError)?.wire.code == .resourceExhausted }
            }
            // What is there stays reachable, and a repeat of it is none too many.
            #expect(try await store.register(recipe("a", "1.1.0"), dryRun: false).created == false)
            #expect(try await store.register(recipe("b", "1.1.0"), dryRun: false).created)
            #expect(try await store.names() == ["a", "b"])
        }
    }

    @Test("in development another recipe takes the place of a version; elsewhere never")
    func developmentReplacesVersions() async throws {
        try await withDatabase { database in
            let first: [PublishedTopic] = [.literal(try Topic("a/b"))]
            let id = ComponentID(component: "a", version: try SemanticVersion(parsing: "1.0.0"))
            let other = try recipe("a", "1.0.0", text: "other")
            let store = SQLiteComponentStore(database: database)
            _ = try await store.register(recipe("a", "1.0.0", outputs: first), dryRun: false)
            await #expect {
                _ = try await store.register(other, dryRun: false)
            } throws: { ($0 as? StoreError)?.wire.code == .alreadyExists }

            let development = SQLiteComponentStore(database: database, replacesVersions: true)
            #expect(try await development.register(other, dryRun: true).created)
            #expect(try await development.outputs(of: [id]) == [id: first])
            // What is checked before it is there is chosen in place of what is there.
            let pending = PendingComponents(registered: development, pending: [other])
            #expect(
                try await pending.candidates(of: ["a"])["a"]?.map(\.recipeDigest) == [other.component.digest])

            #expect(try await development.register(other, dryRun: false).created)
            #expect(try await development.register(other, dryRun: false).created == false)
            let candidates = try await development.candidates(of: ["a"])
            #expect(candidates["a"]?.map(\.recipeDigest) == [other.component.digest])
            #expect(try await development.outputs(of: [id]) == [id: other.component.outputs])
        }
    }

    @Test func whatAVersionPublishesIsKeptBesideIt() async throws {
        try await withDatabase { database in
            let store = SQLiteComponentStore(database: database)
            let outputs: [PublishedTopic] = [.literal(try Topic("a/b")), .computed, .unknown]
            _ = try await store.register(recipe("a", "1.0.0", outputs: outputs), dryRun: false)
            let id = ComponentID(component: "a", version: try SemanticVersion(parsing: "1.0.0"))
            let absent = ComponentID(component: "a", version: try SemanticVersion(parsing: "2.0.0"))
            #expect(try await store.outputs(of: [id, absent]) == [id: outputs])
            let candidates = try await store.candidates(of: ["a", "z"])
            #expect(candidates["a"]?.map(\.version.description) == ["1.0.0"])
            #expect(candidates["z"] == [])
        }
    }

    @Test func definitionsThatWereStoredBeforeThereWereComponentsAreRead() async throws {
        try await withTemporaryDirectory { path in
            let file = path + "/cloud.sqlite"
            let definition =
                #"{"cores":["c"],"name":"g","streams":{},"subscriptions":[{"from":"thing:t","to":"cloud","topicFilter":"a/#"}],"things":["t"]}"#
            // A database as the version before made it, with a group in it.
            var migrator = DatabaseMigrator()
            CloudDatabase.registerControlPlane(&migrator)
            let before = try DatabasePool(path: file)
            try migrator.migrate(before, upTo: "control-plane-1")
            try await before.write { db in
                try db.execute(sql: "INSERT INTO fleet_group VALUES ('g', 0, 1)")
                try db.execute(
                    sql: "INSERT INTO group_revision VALUES ('g', 1, ?, 0)", arguments: [definition])
                try db.execute(
                    sql:
                        "INSERT INTO deployment (id, fleet_group, revision, create_time) VALUES ('d', 'g', 1, 0)"
                )
                try db.execute(
                    sql:
                        "INSERT INTO core_state (core, version, endpoints, clock_skew) VALUES ('c', '', '[]', 0)"
                )
            }
            try before.close()

            let database = try CloudDatabase(path: file, logger: RunningCloud.logger)
            let deployments = SQLiteDeploymentStore(database: database)
            let stored = try await SQLiteRegistryStore(database: database).revision(
                RevisionID(group: "g", number: 1))
            #expect(stored?.definition.components == [])
            #expect(stored?.definition.subscriptions.count == 1)
            #expect(try await deployments.deployment(id: "d")?.lock == [])
            #expect(try await deployments.fleet().deployed["g"] == stored)
            #expect(try await deployments.cores(named: ["c"]).count == 1)
        }
    }

    @Test func locksAreToldApartByEverythingInThem() throws {
        let one = LockedComponent(
            instance: "i", component: "c", version: try SemanticVersion(parsing: "1.0.0"), recipeDigest: [1])
        var digests: Set<Data> = [ComponentLock.digest(of: []), ComponentLock.digest(of: [one])]
        for change in 0..<4 {
            var other = one
            switch change {
            case 0: other.instance = "j"
            case 1: other.component = "d"
            case 2: other.version = try SemanticVersion(parsing: "1.0.1")
            default: other.recipeDigest = [2]
            }
            digests.insert(ComponentLock.digest(of: [other]))
            #expect(
                ComponentLock.digest(of: [one, other]) == ComponentLock.digest(of: [other, one])
                    || other.instance == one.instance)
        }
        #expect(digests.count == 6)
    }
}
