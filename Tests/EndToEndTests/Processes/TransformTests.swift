import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import TestSupport
import Testing
import ThingClient

/// Transforms that are pushed to the cloud, deployed to a core, and changed while it runs; all in processes of
/// their own.
@Suite(.serialized) struct TransformTests {
    private static let thing = "bme680-1"
    private static let core = "pi-1"
    private static let component = "compensate-temperature"

    private static func example(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("Examples/\(name)"), encoding: .utf8)
    }

    /// A cloud with a registered core and thing.
    private static func cloud(_ fleet: ProcessFleet) async throws -> FleetOperator {
        try await fleet.startCloud()
        let admin = try await FleetOperator(enrollingIn: fleet)
        try await admin.register(cores: [core], things: [thing])
        return admin
    }

    // MARK: The founding example

    private static func foundingGroup(version: String) -> String {
        """
        kind: Group
        name: press-hall
        cores: [\(core)]
        things: [\(thing)]
        components: [{name: \(component), version: \(version)}]
        subscriptions:
          - {from: "thing:\(thing)", topic: "\(thing)/readings", to: "component:\(component)"}
          - {from: "thing:\(thing)", topic: "\(thing)/readings", to: cloud}
          - {from: "component:\(component)", topic: republish/reading, to: cloud}
          - {from: "component:\(component)", topic: "$dead-letter/\(component)", to: cloud}
        """
    }

    private struct Key: Hashable, Comparable {
        let epoch: Data
        let sequence: UInt64

        init(_ record: MessageRecord) {
            epoch = record.origin.epoch
            sequence = record.origin.firstSequence
        }

        static func < (a: Key, b: Key) -> Bool { a.sequence < b.sequence }
    }

    @Test(
        "the founding example: 2·T − CPU in °C, then in K by a new version, under a core that goes on running",
        .timeLimit(.minutes(3)))
    func compensationIsDeployedAndChangedWhileItRuns() async throws {
        try await ProcessFleet.with { fleet in
            let admin = try await Self.cloud(fleet)
            let cpu = fleet.directory + "/cpu_temperature"
            try "50250\n".write(toFile: cpu, atomically: true, encoding: .utf8)
            try await admin.push(try Self.example("compensate-temperature-1.0.0.yaml"))
            try await admin.apply(Self.foundingGroup(version: "1.0.0"))
            let core = try await fleet.startCore(
                Self.core, waits: false, ["--cpu-temperature-path", cpu])
            try await admin.deploy(group: "press-hall")
            try await fleet.waitForPorts(Self.core, core)

            let thing = FleetThing(Self.thing, in: fleet)
            let publisher = try thing.start([
                "--sensor", "simulated", "--interval", "0.02", "--seed", "680", "--flush-timeout", "60",
            ])
            try await eventually("the first version's readings are stored", within: .seconds(60)) {
                try await Self.corrected(admin).count > 50
            }

            try await admin.push(try Self.example("compensate-temperature-1.1.0.yaml"))
            try await admin.apply(Self.foundingGroup(version: "1.1.0"))
            try await admin.deploy(group: "press-hall")
            try await eventually("the second version's readings are stored", within: .seconds(60)) {
                try await Self.corrected(admin).count { $0.source.version == "1.1.0" } > 50
            }
            publisher.signal(15)
            #expect(try await publisher.waitForExit(within: .seconds(90)) == .code(0))
            #expect(core.exit == nil, "the core's process is the one that was started")

            let published = try #require(thing.snapshot()?.statistics.published)
            try await eventually("every reading is stored, corrected", within: .seconds(60)) {
                try await Self.corrected(admin).count >= Int(published)
            }
            try await Self.judge(admin, published: published)
        }
    }

    private static func corrected(_ admin: FleetOperator) async throws -> [MessageRecord] {
        try await admin.records(of: thing, topic: "republish/reading")
    }

    private static func judge(_ admin: FleetOperator, published: UInt64) async throws {
        let raw = Dictionary(
            grouping: try await admin.records(of: thing, topic: "\(thing)/readings"), by: Key.init)
        let corrected = try await corrected(admin)
        #expect(raw.count == Int(published))
        #expect(raw.values.allSatisfy { $0.count == 1 })
        #expect(corrected.count == raw.count, "no reading is lost or doubled")
        #expect(Set(corrected.map(Key.init)) == Set(raw.keys))
        #expect(try await admin.records(of: thing, topic: "$dead-letter/#").isEmpty)

        var revisions: [UInt64] = []
        for record in corrected.sorted(by: { Key($0) < Key($1) }) {
            let input = try #require(raw[Key(record)]?.first).message
            let (before, after) = (input.reading, record.message.reading)
            let isKelvin = record.source.version == "1.1.0"
            let expected = 2 * (before.values["temperature"]?.doubleValue ?? .nan) - 50.25
            let got = after.values["temperature"]?.doubleValue ?? .nan
            #expect(abs(got - expected - (isKelvin ? 273.15 : 0)) < 1e-9)
            #expect(after.units["temperature"] == (isKelvin ? "K" : "°C"))
            // Everything else is as the thing said it.
            #expect(after.values["humidity"] == before.values["humidity"])
            #expect(after.units["pressure"] == before.units["pressure"])
            #expect(record.message.time == input.time)
            #expect(record.source.component == component)
            #expect(record.source.revision == (isKelvin ? 2 : 1))
            revisions.append(record.source.revision)
        }
        #expect(revisions == revisions.sorted(), "the new version took over at one reading")
        #expect(Set(revisions) == [1, 2])
        let ledger = try await admin.ledger(of: thing)
        #expect(ledger.lost == 0 && ledger.missing == 0)
        #expect(ledger.received == 2 * published)
    }

    // MARK: Failures

    @Test(
        "a transform that divides by zero every tenth reading loses nothing: those are dead letters",
        .timeLimit(.minutes(2)))
    func failuresBecomeDeadLetters() async throws {
        try await ProcessFleet.with { fleet in
            let admin = try await Self.cloud(fleet)
            try await admin.push(
                """
                kind: Component
                name: divide
                version: 1.0.0
                transform:
                  - set: {share: '100 / (int(reading.n) % 10)'}
                  - publish: shares
                """)
            try await admin.apply(
                """
                kind: Group
                name: press-hall
                cores: [\(Self.core)]
                things: [\(Self.thing)]
                components: [{name: share, component: divide, version: ^1.0}]
                subscriptions:
                  - {from: "thing:*", topic: "+/readings", to: "component:share"}
                  - {from: "component:share", topic: shares, to: cloud}
                  - {from: "component:share", topic: "$dead-letter/share", to: cloud}
                """)
            let core = try await fleet.startCore(Self.core, waits: false)
            try await admin.deploy(group: "press-hall")
            try await fleet.waitForPorts(Self.core, core)

            let count = 300
            let file = fleet.directory + "/numbers.csv"
            let rows = (1...count).map { "2026-01-01T00:00:00.\(String(format: "%03d", $0))Z,\($0)" }
            try (["time,n"] + rows).joined(separator: "\n").write(
                toFile: file, atomically: true, encoding: .utf8)
            let thing = FleetThing(Self.thing, in: fleet)
            let publisher = try thing.start(["--sensor", "replay", "--file", file, "--flush-timeout", "60"])
            #expect(try await publisher.waitForExit(within: .seconds(90)) == .code(0))
            #expect(thing.snapshot()?.statistics.acknowledged == UInt64(count))

            try await eventually("everything is stored", within: .seconds(60)) {
                try await admin.ledger(of: Self.thing).received == UInt64(count)
            }
            let shares = try await admin.records(of: Self.thing, topic: "shares")
            let dead = try await admin.records(of: Self.thing, topic: "$dead-letter/share")
            #expect(shares.count == count / 10 * 9)
            #expect(dead.count == count / 10)
            func number(_ record: MessageRecord) -> Int {
                let value = record.message.reading.values["n"]
                return Int(value?.doubleValue ?? 0) + Int(value?.integerValue ?? 0)
            }
            #expect(Set(dead.map(number)) == Set(stride(from: 10, through: count, by: 10)))
            #expect(Set(shares.map(number)).union(dead.map(number)) == Set(1...count))
            for record in dead {
                #expect(record.message.reading.status == .notProcessed)
                #expect(record.message.reading.statusReason.contains("\(Self.thing)/readings"))
                #expect(record.message.reading.statusReason.contains("divi"))
                #expect(record.message.reading.statusReason.contains("share"))
                #expect(record.origin.outputIndex == 65_535)
            }
            #expect(Set(dead.map { Key($0).sequence }).isDisjoint(with: shares.map { Key($0).sequence }))
            let ledger = try await admin.ledger(of: Self.thing)
            #expect(ledger.lost == 0 && ledger.missing == 0)

            // Counted by cause, and seen in the cloud.
            let status = try await eventually(
                "the core reports what its components did", within: .seconds(60)
            ) {
                try await admin.group("press-hall").cores.first?.components.first {
                    $0.messagesFailed == UInt64(count / 10)
                }
            }
            #expect(status.instance == "share" && status.component == "divide" && status.version == "1.0.0")
            #expect(status.messagesIn == UInt64(count))
            #expect(status.messagesOut == UInt64(count / 10 * 9))
            #expect(status.failures.count == 1)
            #expect(status.failures.first?.count == UInt64(count / 10))
        }
    }

    // MARK: Refusals

    /// A recipe that is to be refused, and words that the message has to have.
    struct Hostile: CustomTestStringConvertible, Sendable {
        let name: String
        let recipe: String
        let words: [String]

        var testDescription: String { name }

        init(_ name: String, steps: String, words: [String]) {
            self.name = name
            self.words = words
            recipe = "kind: Component\nname: hostile\nversion: 1.0.0\ntransform:\n" + steps
        }

        static let all = [
            Hostile(
                "64 KiB of parentheses",
                steps: "  - where: '\(String(repeating: "(", count: 65_536))'\n  - publish: out\n",
                words: ["line 5", "8"]),
            Hostile(
                "deep parentheses",
                steps: "  - where: '\(String(repeating: "(", count: 3_000))'\n  - publish: out\n",
                words: ["line 5", "64"]),
            Hostile(
                "an unknown step", steps: "  - wher: 'true'\n  - publish: out\n",
                words: ["line 5", "wher", "where"]),
            Hostile(
                "a wrong unit",
                steps: "  - set: {t: {value: '1.0', unit: Celcius}}\n  - publish: out\n",
                words: ["line 5", "Celcius"]),
            Hostile(
                "no duration",
                steps: "  - where: 'cpuTemperature(duration(\"8x\")) > 1.0'\n  - publish: out\n",
                words: ["line 5", "8x"]),
            Hostile(
                "numbers of two kinds",
                steps:
                    "  - set: {t: 'cpuTemperature() * 2'}\n  - publish: out\naccess: {host: [cpu_temperature]}\n",
                words: ["line 5", "2.0"]),
        ]
    }

    @Test(
        "hostile recipes and circles are refused with a message that a person can act on",
        .timeLimit(.minutes(2)))
    func hostileRecipesAreRefused() async throws {
        try await ProcessFleet.with { fleet in
            let admin = try await Self.cloud(fleet)
            for hostile in Hostile.all {
                let error = await #expect(throws: RPCError.self, "\(hostile.name)") {
                    try await admin.push(hostile.recipe)
                }
                let refusal = error.flatMap { HedgerowError($0) }
                #expect(refusal?.reason == .invalidRecipe, "\(hostile.name): \(refusal?.message ?? "")")
                for word in hostile.words {
                    #expect(
                        refusal?.message.contains(word) == true, "\(hostile.name): \(refusal?.message ?? "")")
                }
                #expect((refusal?.message.utf8.count ?? 0) <= 2_000, "\(hostile.name)")
            }
            for name in ["a", "b"] {
                try await admin.push(
                    "kind: Component\nname: \(name)\nversion: 1.0.0\ntransform: [{publish: \(name)/out}]\n")
            }
            let error = await #expect(throws: RPCError.self) {
                try await admin.apply(
                    """
                    kind: Group
                    name: circle
                    cores: [\(Self.core)]
                    things: [\(Self.thing)]
                    components: [{name: a, version: 1.0.0}, {name: b, version: 1.0.0}]
                    subscriptions:
                      - {from: "thing:*", topic: "#", to: "component:a"}
                      - {from: "component:a", topic: "#", to: "component:b"}
                      - {from: "component:b", topic: "#", to: "component:a"}
                      - {from: "component:b", topic: "#", to: cloud}
                    """)
            }
            let refusal = error.flatMap { HedgerowError($0) }
            #expect(refusal?.reason == .invalidDefinition)
            let message = refusal?.message ?? ""
            #expect(message.contains("component:a") && message.contains("component:b"), "\(message)")
            #expect(message.contains("line"), "\(message)")
        }
    }
}
