import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// What a core publishes of its components, over real TLS: stored, delivered, found and accounted for.
@Suite struct DerivedPublishTests {
    private func query(
        _ cloud: RunningCloud, _ admin: ClientIdentity, topic: String = ""
    ) async throws -> [MessageRecord] {
        try await cloud.call(as: admin) { client in
            try await TelemetryService.Client(wrapping: client).query(
                .with {
                    $0.thing = "t"
                    $0.topicFilter = topic
                    $0.pageSize = 1_000
                }
            ).records
        }
    }

    private func withFleet(
        _ body:
            @Sendable @escaping (
                _ cloud: RunningCloud, _ admin: ClientIdentity, _ core: ClientIdentity,
                _ thing: ClientIdentity
            ) async throws -> Void
    ) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            let thing = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            try await cloud.deploy(admin, "g")
            try await cloud.attach(core) { attached in
                attached.hello()
                _ = try await attached.assignment()
            }
            try await body(cloud, admin, core, thing)
        }
    }

    @Test func whatAComponentMadeIsFoundUnderTheThingWithItsSource() async throws {
        try await withFleet { cloud, admin, core, _ in
            let letters = WireOrigin.deadLetterOutput
            let batches = [
                Derived(thing: "t", component: "smooth", topic: "out/a", covered: 1...10, rows: [2, 4, 7]),
                Derived(
                    thing: "t", component: "smooth", output: letters, topic: "$dead-letter/smooth",
                    covered: 1...10, rows: [5]),
            ]
            try await cloud.call(as: core) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    publisher.publish([batches[0].publication(at: 1), batches[1].publication(at: 4)])
                    publisher.send(
                        .with {
                            $0.lost = [
                                .with {
                                    $0.firstSequence = 5
                                    $0.lastSequence = 5
                                    $0.reason = .filtered
                                    var origin = batches[0].origin
                                    origin.firstSequence = 11
                                    origin.lastSequence = 99
                                    origin.rowOffsets = []
                                    $0.origins = [origin]
                                }
                            ]
                        })
                    try await publisher.acknowledged(through: 5)
                    #expect(publisher.rejected.isEmpty)
                }
            }
            #expect(try await query(cloud, admin).count == 4, "without a filter nothing is hidden")
            let derived = try await query(cloud, admin, topic: "#")
            #expect(derived.map(\.origin.firstSequence) == [7, 4, 2])
            for record in derived {
                #expect(record.message.topic == "out/a")
                #expect(record.source.component == "compensate" && record.source.version == "1.2.0")
                #expect(record.source.revision == 7)
                #expect(record.origin.componentInstance == "smooth" && record.core == "c")
            }
            let dead = try await query(cloud, admin, topic: "$dead-letter/#")
            #expect(dead.map(\.origin.firstSequence) == [5])
            let ledger = try await cloud.call(as: admin) { client in
                try await TelemetryService.Client(wrapping: client).getLedger(.with { $0.thing = "t" })
            }
            #expect(ledger.received == 4 && ledger.lost == 0 && ledger.missing == 0)
        }
    }

    @Test func aThingIsNoComponent() async throws {
        try await withFleet { cloud, admin, _, thing in
            var derived = Derived(thing: "t", component: "smooth", covered: 1...1, rows: [1])
            let named = derived.publication(at: 1)
            derived.output = WireOrigin.deadLetterOutput
            derived.topic = "$dead-letter/smooth"
            let letter = derived.publication(at: 2)
            var reserved = letter
            reserved.sequence = 3
            reserved.clearOrigin()
            try await cloud.call(as: thing) { [reserved] client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    publisher.publish(named, letter, reserved)
                    try await publisher.acknowledged(through: 3)
                    #expect(
                        publisher.rejected.map(\.reason) == [
                            .originNotAllowed, .originNotAllowed, .topicNotAllowed,
                        ])
                }
            }
            #expect(try await query(cloud, admin).isEmpty)
            #expect(try await query(cloud, admin, topic: "$dead-letter/#").isEmpty)
        }
    }
}
