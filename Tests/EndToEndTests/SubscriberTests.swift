import HedgerowAPI
import Identity
import RPCSupport
import TestSupport
import Testing
import ThingClient

@Suite("Subscribers", .timeLimit(.minutes(3)))
struct SubscriberTests {
    static let group = """
        kind: Group
        name: hall
        cores: [core-1]
        things: [thing-1, thing-2]
        subscriptions:
          - {from: thing:thing-1, topic: hall/#, to: cloud}
          - {from: thing:thing-1, topic: peer/#, to: thing:thing-2}
          - {from: cloud, topic: cmd/#, to: thing:thing-2}
        """

    private static func withPeers(_ body: (Fleet) async throws -> Void) async throws {
        try await withFleet(things: ["thing-1", "thing-2"], groups: [group], body)
    }

    /// Publishes commands as the operator, QoS 1.
    private static func command(_ fleet: Fleet, _ numbers: ClosedRange<Int>) async throws {
        try await fleet.operate { client in
            try await withPublisher(client) { publisher in
                try await publisher.open(stream: "commands")
                publisher.publish(
                    numbers.enumerated().map { .plain(UInt64($0 + 1), "cmd/go", ["value": Double($1)]) })
                try await publisher.acknowledged(through: UInt64(numbers.count))
                #expect(publisher.rejected.isEmpty)
            }
        }
    }

    @Test("that give no credit are bounded and counted, and hurt nobody")
    func slow() async throws {
        try await withFleet { fleet in
            try await fleet.operate { client in
                try await withSubscriber(client, ["#"], credit: 1) { slow in
                    try await withSubscriber(client, ["#"], credit: 10_000) { quick in
                        try await fleet.withThing("thing-1") { thing in
                            // The slow one spends its only credit, and gives no more.
                            var probes = 0
                            try await eventually("both are subscribed") {
                                try await thing.publishAndWait("hall/a", ["value": -1])
                                probes += 1
                                return !quick.records.isEmpty && !slow.records.isEmpty
                            }
                            for number in 0..<1_500 {
                                try await thing.publish("hall/a", ["value": .double(Double(number))])
                            }
                            try await thing.flush()
                            // It has stopped neither the thing nor the store nor the other subscriber.
                            try await fleet.history(filter: "hall/a", count: 1_500 + probes)
                            try await eventually("the quick one has all that were not dropped for it") {
                                quick.records.count { ($0.number() ?? -1) >= 0 } + Int(quick.dropped) >= 1_500
                            }
                            #expect(slow.records.map { $0.number() } == [-1])
                            slow.addCredit(5_000)
                            let records = try await slow.received(1_001).dropFirst()
                            #expect(records.map { $0.number() } == (500..<1_500).map(Double.init))
                            #expect(
                                (500..<500 + UInt64(probes)).contains(slow.dropped),
                                "\(slow.dropped), \(probes) probes")
                        }
                    }
                }
            }
        }
    }

    @Test("that were away get what they missed, in order, until they have acknowledged it")
    func away() async throws {
        try await Self.withPeers { fleet in
            let thing = try await fleet.identity(.thing, "thing-2")
            try await fleet.withThing("thing-1") { sender in
                for number in 1...10 {
                    try await sender.publish("peer/x", ["value": .double(Double(number))])
                }
            }
            try await fleet.connect(to: .core("core-1"), as: thing) { client in
                try await withSubscriber(client, ["peer/#"], atLeastOnce: true) { subscriber in
                    let first = try await subscriber.received(10)
                    #expect(first.map { $0.number() } == (1...10).map(Double.init))
                    #expect(first.allSatisfy { $0.origin.thing == "thing-1" })
                    subscriber.acknowledge(subscriber.deliveries.prefix(5).map(\.deliveryID))
                    // A newer subscription at QoS 1 ends this one, and begins behind what was acknowledged.
                    try await eventually("the rest comes again, only that") {
                        try await withSubscriber(client, ["peer/#"], atLeastOnce: true) { newer in
                            let rest = try await newer.received(5)
                            newer.acknowledge(newer.deliveries.map(\.deliveryID))
                            return rest.map { $0.number() } == (6...10).map(Double.init)
                        }
                    }
                    #expect(try await subscriber.refusal().reason == .sessionSuperseded)
                }
            }
        }
    }

    @Test("that were away too long lose the oldest above 1,000, and are told how many")
    func bound() async throws {
        try await Self.withPeers { fleet in
            let thing = try await fleet.identity(.thing, "thing-2")
            try await fleet.withThing("thing-1") { sender in
                for number in 1...1_200 {
                    try await sender.publish("peer/x", ["value": .double(Double(number))])
                }
            }
            try await fleet.connect(to: .core("core-1"), as: thing) { client in
                try await withSubscriber(client, ["peer/#"], atLeastOnce: true, credit: 5_000) { subscriber in
                    var acknowledged = 0
                    try await eventually("the last one comes") {
                        let new = subscriber.deliveries.dropFirst(acknowledged)
                        acknowledged += new.count
                        if !new.isEmpty { subscriber.acknowledge(new.map(\.deliveryID)) }
                        return subscriber.records.last?.number() == 1_200
                    }
                    #expect(subscriber.records.map { $0.number() } == (201...1_200).map(Double.init))
                    #expect(subscriber.dropped == 200)
                }
            }
        }
    }

    @Test("get a message of the operator in order, also when the thing or its core was away")
    func commands() async throws {
        try await Self.withPeers { fleet in
            // Connected.
            try await fleet.withThing("thing-2") { thing in
                let commands = try thing.commands("cmd/#")
                try await Self.command(fleet, 1...3)
                #expect(try await Self.take(commands, through: 3) == [1, 2, 3])
            }
            // The thing away. The last message before was perhaps not acknowledged when it went: it may come again.
            try await Self.command(fleet, 4...6)
            try await fleet.withThing("thing-2") { thing in
                let commands = try thing.commands("cmd/#")
                #expect(try await Self.take(commands, after: 3, through: 6) == [4, 5, 6])
            }
            // The core away, and with it the thing.
            try await fleet.stopCore("core-1")
            try await Self.command(fleet, 7...9)
            try await fleet.startCore("core-1")
            try await fleet.withThing("thing-2") { thing in
                let commands = try thing.commands("cmd/#")
                #expect(try await Self.take(commands, after: 6, through: 9) == [7, 8, 9])
            }
            #expect(try await fleet.history(filter: "cmd/#").count == 9)
        }
    }

    @Test("get every message once while the core restarts under them, also those sent meanwhile")
    func coreRestarts() async throws {
        try await Self.withPeers { fleet in
            try await fleet.withThing("thing-2") { thing in
                let received = Shared<[Double]>([])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    let commands = try thing.commands("cmd/#")
                    group.addTask {
                        for try await command in commands {
                            let value = command.values["value"]?.number ?? .nan
                            received.change { $0.append(value) }
                        }
                    }
                    try await Self.command(fleet, 1...20)
                    try await eventually("the first ones come") { received.value.count >= 10 }
                    try await fleet.stopCore("core-1")
                    try await Self.command(fleet, 21...40)
                    try await fleet.startCore("core-1")
                    try await Self.command(fleet, 41...50)
                    try await eventually("all have come") { received.value.contains(50) }
                    #expect(received.value == (1...50).map(Double.init))
                    group.cancelAll()
                }
            }
        }
    }

    @Test("are told nothing where no deployed subscription leads to them: the operator gets NO_ROUTE")
    func noRoute() async throws {
        try await Self.withPeers { fleet in
            try await fleet.operate { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    publisher.publish(.plain(1, "elsewhere", ["value": 1]), .plain(2, "cmd/go", ["value": 1]))
                    try await publisher.acknowledged(through: 2)
                    #expect(publisher.rejected.map(\.reason) == [.noRoute])
                    #expect(publisher.rejected.map(\.firstSequence) == [1])
                }
            }
        }
    }

    @Test("in the group get a thing's messages from the core at QoS 0 and 1, the cloud away or not")
    func peers() async throws {
        try await Self.withPeers { fleet in
            try await fleet.withThing("thing-1") { sender in
                try await sender.waitUntilConnected()
                try await fleet.withThing("thing-2") { receiver in
                    let durable = try receiver.commands("peer/sure")
                    let volatile = try receiver.commands(["peer/quick"], qos: .atMostOnce)
                    try await receiver.waitUntilConnected()
                    try await fleet.stopCloud()
                    for number in 1...3 {
                        try await sender.publish("peer/sure", ["value": .double(Double(number))])
                    }
                    #expect(try await Self.take(durable, through: 3) == [1, 2, 3])
                    // QoS 0 reaches whoever listens at that moment.
                    let received = try await withThrowingTaskGroup(of: [Double].self) { group in
                        group.addTask { try await Self.take(volatile, through: 8) }
                        group.addTask {
                            while true {
                                try await sender.publish("peer/quick", ["value": 8], qos: .atMostOnce)
                                try await Task.sleep(for: .milliseconds(20))
                            }
                        }
                        defer { group.cancelAll() }
                        return try await group.next()
                    }
                    #expect(received == [8])
                    try await fleet.startCloud()
                }
            }
        }
    }

    /// Values behind one up to another, in the order in which they come.
    private static func take(
        _ commands: CommandSequence, after first: Double = 0, through last: Double
    ) async throws -> [Double] {
        var values: [Double] = []
        for try await command in commands {
            let value = command.values["value"]?.number ?? .nan
            if value > first { values.append(value) }
            if value == last { break }
        }
        return values
    }
}
