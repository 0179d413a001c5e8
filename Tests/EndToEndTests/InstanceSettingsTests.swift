import HedgerowAPI
import Identity
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing
import ThingClient

@Suite("Two instances of one component", .timeLimit(.minutes(5)))
struct InstanceSettingsTests {
    private static let recipe = """
        kind: Component
        name: alarm
        version: 1.0.0
        configuration: {limits: {high: 80.0}, offset: 0.0}
        transform:
          - set:
              temperature: reading.temperature + configuration.offset
              isHot: reading.temperature + configuration.offset > configuration.limits.high
          - publish: {topic: '"by-name/" + environment.THING_NAME'}
        """

    private static func group(_ second: String) -> String {
        """
        kind: Group
        name: hall
        cores: [core-1]
        things: [bme680-1, bme680-2]
        components:
          - {name: alarm-1, component: alarm, version: ^1.0, environment: {THING_NAME: bme680-1}}
          - {name: alarm-2, component: alarm, version: ^1.0, environment: {THING_NAME: bme680-2}, \(second)}
        subscriptions:
          - {from: 'thing:bme680-1', topic: bme680/readings, to: 'component:alarm-1'}
          - {from: 'thing:bme680-2', topic: bme680/readings, to: 'component:alarm-2'}
          - {from: 'component:alarm-1', topic: 'by-name/#', to: cloud}
          - {from: 'component:alarm-2', topic: 'by-name/#', to: cloud}

        """
    }

    @Test("give different output of the same reading, each by its own configuration and environment")
    func output() async throws {
        try await withFleet(cores: [], things: ["bme680-1", "bme680-2"], groups: []) { fleet in
            try await fleet.register(cores: ["core-1"], things: [])
            try await fleet.operate { client in
                _ = try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
                    .registerComponent(.with { $0.recipe = Self.recipe })
            }
            let second = "configuration: {merge: {limits: {high: 75}, offset: -4}}"
            try await fleet.deploy(Self.group(second), waiting: false)
            try await fleet.startCore("core-1")
            try await fleet.deploy(Self.group(second))
            for name in ["bme680-1", "bme680-2"] {
                _ = try await fleet.withThing(name) { thing in
                    try await thing.publish("bme680/readings", ["temperature": 79.5])
                }
            }
            func derived(_ name: String, _ count: Int) async throws -> [String] {
                try await fleet.history(thing: name, count: count).map { record in
                    let values = record.message.reading.values
                    return "\(record.message.topic) \(values["temperature"]?.doubleValue ?? 0) "
                        + "\(values["isHot"]?.boolValue ?? false)"
                }
            }
            #expect(try await derived("bme680-1", 1) == ["by-name/bme680-1 79.5 false"])
            #expect(try await derived("bme680-2", 1) == ["by-name/bme680-2 75.5 true"])

            // Another configuration takes over while everything runs.
            try await fleet.deploy(Self.group("configuration: {merge: {offset: 2.5}}"))
            _ = try await fleet.withThing("bme680-2") { thing in
                try await thing.publish("bme680/readings", ["temperature": 79.5])
            }
            #expect(
                try await derived("bme680-2", 2)
                    == ["by-name/bme680-2 82.0 true", "by-name/bme680-2 75.5 true"])
        }
    }
}
