import Components
import Foundation
import Testing

@testable import Cloud

/// The fleet in memory.
@Suite struct FleetDirectoryTests {
    private func revision(
        _ group: String, _ number: UInt64, cores: [String], things: [String],
        subscriptions: [Subscription] = []
    ) -> RevisionRecord {
        RevisionRecord(
            group: group, number: number,
            definition: GroupDefinition(
                name: group, cores: cores, things: things, subscriptions: subscriptions),
            createTime: Date())
    }

    @Test func whatACoreMayCarryOnlyGrows() {
        let directory = FleetDirectory(FleetRecord())
        directory.assign(revision("g", 1, cores: ["c"], things: ["a"]), to: "c")
        directory.activate(revision("g", 2, cores: ["c"], things: ["b"]), on: "c")
        #expect(directory.mayCarry(core: "c", thing: "a"))
        #expect(directory.mayCarry(core: "c", thing: "b"))
        #expect(!directory.mayCarry(core: "d", thing: "a"))
        #expect(directory.coresServing(thing: "a").isEmpty)
        #expect(directory.coresServing(thing: "b") == ["g": ["c"]])
        directory.activate(nil, on: "c")
        #expect(directory.mayCarry(core: "c", thing: "b"))
        #expect(directory.coresServing(thing: "b").isEmpty)
    }

    @Test func newsThatArriveOutOfOrderDoNotTurnBackTime() {
        let directory = FleetDirectory(FleetRecord())
        directory.adopt(revision("g", 2, cores: ["c"], things: ["a"]))
        directory.adopt(revision("g", 1, cores: ["c"], things: ["b"]))
        #expect(directory.group(ofThing: "a") == "g")
        #expect(directory.group(ofThing: "b") == nil)
        // A thing moves: the group that it left may say so last.
        directory.adopt(revision("h", 1, cores: ["d"], things: ["a"]))
        directory.adopt(revision("g", 3, cores: ["c"], things: []))
        #expect(directory.group(ofThing: "a") == "h")
    }

    @Test func subscriptionsFromTheCloudAreThoseThatRunOrAreOnTheirWay() {
        let directory = FleetDirectory(FleetRecord())
        let route = { (to: SubscriptionEnd) in Subscription(from: .cloud, topicFilter: "cmd/#", to: to) }
        let first = revision(
            "g", 1, cores: ["c"], things: ["a1", "a2", "b"], subscriptions: [route(.things(prefix: "a"))])
        let second = revision("g", 2, cores: ["c"], things: ["a1", "b"], subscriptions: [route(.thing("b"))])
        directory.adopt(first)
        #expect(directory.cloudSubscriptions().isEmpty)
        directory.deploy(first, sequence: 1)
        #expect(directory.cloudSubscriptions().map(\.toThings) == [["a1", "a2"]])
        directory.activate(first, on: "c")
        #expect(directory.cloudSubscriptions().map(\.toThings) == [["a1", "a2"]])
        directory.deploy(second, sequence: 2)
        #expect(Set(directory.cloudSubscriptions().map(\.toThings)) == [["a1", "a2"], ["b"]])
        directory.activate(second, on: "c")
        #expect(directory.cloudSubscriptions().map(\.toThings) == [["b"]])
    }

    @Test func presenceCountsStreamsAndRemembersWhoLeft() {
        let presence = Presence()
        presence.enter("a")
        presence.enter("a")
        presence.leave("a", at: Date(timeIntervalSince1970: 1))
        #expect(presence.isConnected("a"))
        presence.leave("a", at: Date(timeIntervalSince1970: 2))
        #expect(!presence.isConnected("a"))
        #expect(presence.takeLeft() == ["a": Date(timeIntervalSince1970: 2)])
        #expect(presence.takeLeft().isEmpty)
    }
}
