import Foundation
import GRDB
import HedgerowAPI
import PKI
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

@Suite("Torn records of deployments (lesson 1)", .timeLimit(.minutes(3)))
struct TornRecordTests {
    typealias Fixture = DeploymentFixture

    /// Changes one byte of a column in the middle.
    private static func flip(_ db: Database, _ table: String, _ column: String) throws {
        let sql = "SELECT rowid, CAST(\(column) AS BLOB) FROM \(table) ORDER BY rowid DESC LIMIT 1"
        let row = try #require(try Row.fetchOne(db, sql: sql))
        var bytes: Data = row[1]
        bytes[bytes.startIndex + bytes.count / 2] ^= 0x04
        let kind = try String.fetchOne(db, sql: "SELECT typeof(\(column)) FROM \(table) LIMIT 1")
        try db.execute(
            sql:
                "UPDATE \(table) SET \(column) = CAST(? AS \(kind == "text" ? "TEXT" : "BLOB")) WHERE rowid = ?",
            arguments: [bytes, row[0] as Int64])
    }

    /// A core that ran revision 1 and then 2.
    private func ran(_ fixture: Fixture) async throws {
        try await fixture.run { _ in
            fixture.assign(fixture.revision(2, things: ["a", "b"]), id: "d-2")
            let second = try await fixture.end("d-2").status
            #expect(second == .succeeded)
        }
    }

    @Test(
        "a damaged active revision: the last settled one runs, says so, and the cloud's newest is taken",
        arguments: ["definition", "digest"])
    func active(_ column: String) async throws {
        try await Fixture.with { fixture in
            try await ran(fixture)
            let identity = try Data(
                contentsOf: URL(fileURLWithPath: fixture.harness.statePath + "/identity/identity.json"))
            try fixture.database { try Self.flip($0, "active_deployment", column) }
            try await fixture.harness.run { core in
                let port = try await core.listeningPort()
                #expect(core.revision.current == fixture.revision(1))
                #expect(core.revision.running?.components["i"]?.version == "1.1.0")
                #expect(core.revision.running?.unusable.isEmpty == true)
                #expect(core.statusText.contains("damaged") && core.statusText.contains("revision 1"))
                #expect(core.revision.everCarried(thing: "b"), "what it may speak for is untouched")
                try await fixture.harness.echo("a", port: port)
                try await fixture.cloud.run { _ in
                    try await eventually("an attachment", holds: { core.status.snapshot.isAttached })
                    #expect(fixture.cloud.hellos.last?.activeRevision == 1)
                    // The cloud sends what it wants to run, as it was deployed before.
                    fixture.assign(fixture.revision(2, things: ["a", "b"]), id: "d-2")
                    try await eventually("the newest", holds: { core.revision.current?.revision == 2 })
                    #expect(core.revision.damage == nil && !core.statusText.contains("damaged"))
                }
            }
            #expect(fixture.cloud.enrollCalls == 1)
            let now = try Data(
                contentsOf: URL(fileURLWithPath: fixture.harness.statePath + "/identity/identity.json"))
            #expect(now == identity)
        }
    }

    @Test("both damaged: none runs, and the cloud is asked")
    func both() async throws {
        try await Fixture.with { fixture in
            try await ran(fixture)
            try fixture.database { db in
                try Self.flip(db, "active_deployment", "definition")
                try Self.flip(db, "previous_deployment", "definition")
            }
            try await fixture.harness.run { core in
                #expect(core.revision.running == nil)
                #expect(core.revision.everCarried(thing: "a") && core.revision.everCarried(thing: "b"))
                #expect(core.statusText.contains("waits for the cloud's"))
                try await fixture.cloud.run { _ in
                    try await eventually("an attachment", holds: { core.status.snapshot.isAttached })
                    #expect(fixture.cloud.hellos.last?.activeRevision == 0)
                    fixture.assign(fixture.revision(2), id: "d-2")
                    try await eventually("the newest", holds: { core.revision.current?.revision == 2 })
                }
            }
            #expect(fixture.cloud.enrollCalls == 1)
        }
    }

    @Test("a damaged previous revision only means that there is none to go back to")
    func previous() async throws {
        try await Fixture.with { fixture in
            try await ran(fixture)
            try fixture.database { try Self.flip($0, "previous_deployment", "definition") }
            try await fixture.harness.run { core in
                #expect(core.revision.current?.revision == 2 && core.revision.previous == nil)
                #expect(core.revision.damage == nil)
            }
        }
    }

    @Test(
        "a damaged record is dropped, and the cloud's assignment starts the deployment anew",
        arguments: ["definition", "digest", "stage", "policy", "checksum", "deployment_id"])
    func record(_ column: String) async throws {
        try await Fixture.with { fixture in
            try await ran(fixture)
            let three = fixture.revision(3)
            let record = try DeploymentRecord(Fixture.assignment(three, id: "d-3"))
            try fixture.database { db in
                try record.insert(db)
                try Self.flip(db, "deployment", column)
            }
            try await fixture.harness.run { core in
                try await fixture.cloud.run { _ in
                    try await eventually("an attachment", holds: { core.status.snapshot.isAttached })
                    #expect(core.revision.current?.revision == 2)
                    #expect(fixture.cloud.reports("d-3").isEmpty)
                    fixture.assign(three, id: "d-3")
                    let third = try await fixture.end("d-3").status
                    #expect(third == .succeeded)
                    #expect(core.revision.current?.revision == 3)
                }
            }
        }
    }

    @Test("a revision that is damaged while it settles starts anew from what runs in its place")
    func whileSettling() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { _ in
                fixture.assign(fixture.revision(2), id: "d-2", settling: .seconds(600))
                try await fixture.stage(.settle, of: "d-2")
            }
            try fixture.database { try Self.flip($0, "active_deployment", "definition") }
            let reports = fixture.cloud.reports("d-2").count
            try await fixture.harness.run { core in
                try await fixture.cloud.run { _ in
                    try await eventually("it runs again", holds: { core.revision.current?.revision == 2 })
                    try await fixture.stage(.settle, of: "d-2", beyond: reports)
                    #expect(core.revision.previous?.revision == 1 && core.revision.damage == nil)
                }
            }
        }
    }
}
