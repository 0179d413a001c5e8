import HedgerowAPI
import Identity
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing
import ThingClient

@Suite("Things that a group takes by a selector", .timeLimit(.minutes(5)))
struct SelectorTests {
    private static let group = """
        kind: Group
        name: hall
        cores: [core-1]
        things: [{selector: 'type=bme680,hall=press'}]
        subscriptions:
          - {from: 'thing:{type=bme680}', topic: bme680/readings, to: cloud}
          - {from: 'thing:{name=press-00*}', topic: extra, to: cloud}
        """

    @Test("need one line for a hundred, come and go with their attributes, and nothing else gets in")
    func hundred() async throws {
        try await withFleet(cores: [], things: ["lamp"], groups: []) { fleet in
            try await fleet.register(cores: ["core-1"], things: [])
            try await fleet.operate { client in
                let registry = Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                for number in 1...100 {
                    let digits = String(number)
                    _ = try await registry.createThing(
                        .with {
                            $0.name = "press-" + String(repeating: "0", count: 3 - digits.count) + digits
                            $0.type = "bme680"
                            $0.attributes = ["hall": "press"]
                        })
                }
                _ = try await registry.createThing(
                    .with {
                        $0.name = "paint-001"
                        $0.type = "bme680"
                        $0.attributes = ["hall": "paint"]
                    })
            }
            try await fleet.deploy(Self.group, waiting: false)
            try await fleet.startCore("core-1")
            try await fleet.deploy(Self.group)
            let newest = try await fleet.operate { client in
                try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                    .getGroup(.with { $0.name = "hall" }).group.newestRevision
            }
            #expect(newest.revision == 1, "the same file again is the same revision")
            #expect(newest.things.count == 100 && !newest.things.contains("paint-001"))
            #expect(newest.subscriptions.count == 109 && newest.written.subscriptions.count == 2)

            for name in ["press-001", "press-050", "press-100"] {
                _ = try await fleet.withThing(name) { thing in
                    try await thing.publish("bme680/readings", ["temperature": 21.5])
                }
                #expect(try await fleet.history(thing: name, count: 1).count == 1, "\(name)")
            }
            _ = try await fleet.withThing("press-009") { try await $0.publish("extra", ["value": 1]) }
            #expect(try await fleet.history(thing: "press-009", count: 1).count == 1)

            // Its attribute brings it in, with the next revision.
            try await fleet.operate { client in
                _ = try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                    .setThingAttributes(
                        .with {
                            $0.name = "paint-001"
                            $0.attributes = ["hall": "press"]
                        })
            }
            try await fleet.deploy(Self.group)
            _ = try await fleet.withThing("paint-001") { thing in
                try await thing.publish("bme680/readings", ["temperature": 19])
            }
            #expect(try await fleet.history(thing: "paint-001", count: 1).count == 1)
        }
    }
}
