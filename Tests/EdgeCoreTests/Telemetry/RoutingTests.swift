import HedgerowAPI
import Logging
import Messaging
import StreamStore
import Testing

@testable import EdgeCore

@Suite struct RoutingTests {
    private func route(
        _ subscriptions: [(String, String, String, String)], from thing: String, _ topic: String
    ) throws -> Route {
        try RoutingTable(revision(subscriptions)).route(from: thing, topic: try Topic(topic))
    }

    @Test func aRouteNeedsASubscriptionOfTheThingAndTheTopic() throws {
        let table = [("thing:a", "t/#", "cloud", "")]
        #expect(try route(table, from: "a", "t/x").streams == ["default"])
        #expect(try route(table, from: "a", "t").streams == ["default"])
        #expect(try route(table, from: "b", "t/x").isEmpty)
        #expect(try route(table, from: "a", "u").isEmpty)
        #expect(RoutingTable().route(from: "a", topic: try Topic("t")).isEmpty)
    }

    @Test func viaAndStreamNameTheStreamAndEachIsThereOnce() throws {
        let table = [
            ("thing:a", "t", "cloud", "fast"), ("thing:a", "#", "stream:slow", ""),
            ("thing:*", "t", "cloud", "fast"),
            ("thing:*", "+", "cloud", ""),
        ]
        #expect(try route(table, from: "a", "t").streams == ["fast", "slow", "default"])
        #expect(try route(table, from: "b", "t").streams == ["fast", "default"])
        #expect(try route(table, from: "a", "x/y").streams == ["slow"])
    }

    @Test func wildcardsAndPrefixesReachTheGroupsThingsButNotThePublisher() throws {
        let all = [("thing:*", "t", "thing:*", "")]
        #expect(try route(all, from: "b", "t").things == ["a", "c"])
        let prefix = [("thing:sensor-*", "t", "thing:display-*", "")]
        let table = try RoutingTable(
            revision(prefix, things: ["sensor-1", "display-2", "display-1", "other"]))
        #expect(table.route(from: "sensor-1", topic: try Topic("t")).things == ["display-1", "display-2"])
        #expect(table.route(from: "other", topic: try Topic("t")).isEmpty)
        #expect(try route([("thing:a", "t", "thing:b", "")], from: "a", "t").things == ["b"])
        #expect(try route([("cloud", "t", "thing:b", "")], from: "a", "t").isEmpty)
    }

    @Test func streamsHaveTheLimitsOfTheRevisionOrTheDefaults() throws {
        let table = try RoutingTable(revision([], streams: [("small", 65_536, false)]))
        #expect(table.limits(of: "small").maximumBytes == 65_536)
        #expect(!table.limits(of: "small").overwritesOldest)
        #expect(table.limits(of: "default").maximumBytes == 256 << 20)
        #expect(table.limits(of: "default").overwritesOldest)
        #expect(table.streamNames == ["small", "default"])
    }

    @Test func theRouterForgetsItsAnswersWithTheRevision() throws {
        let router = Router(logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let topic = try Topic("t")
        let first = router.table(of: RunningRevision(revision([("thing:a", "t", "cloud", "")])))
        #expect(router.route(from: "a", topic: topic, by: first).streams == ["default"])
        let second = router.table(of: RunningRevision(revision([("thing:a", "t", "cloud", "x")], number: 2)))
        #expect(router.route(from: "a", topic: topic, by: second).streams == ["x"])
        // A transaction that still has the older table is answered by that.
        #expect(router.route(from: "a", topic: topic, by: first).streams == ["default"])
        #expect(router.route(from: "a", topic: topic, by: second).streams == ["x"])
        for number in 0..<Router.maximumCached + 10 {
            #expect(router.route(from: "a", topic: try Topic("n/\(number)"), by: second).isEmpty)
        }
        #expect(router.table(of: nil).revision == 0)
    }

    @Test func componentsAreTargetsAndOrigins() throws {
        let table = try RoutingTable(
            revision([
                ("thing:a", "t", "component:i", ""), ("thing:*", "t", "component:i", ""),
                ("component:i", "out/#", "cloud", "fast"), ("component:i", "out/x", "component:j", ""),
                ("component:i", "#", "thing:*", ""), ("component:j", "$dead-letter/j", "cloud", ""),
            ]))
        #expect(table.route(from: "a", topic: try Topic("t")).components == ["i"])
        #expect(!table.route(from: "a", topic: try Topic("t")).isEmpty)
        let out = table.route(fromComponent: "i", topic: try Topic("out/x"))
        #expect(out.streams == ["fast"] && out.components == ["j"])
        // What a component makes of a thing's message is no echo to that thing.
        #expect(out.things == ["a", "b", "c"])
        // A leading wildcard does not take dead letters.
        #expect(table.route(fromComponent: "i", topic: try Topic("$dead-letter/i")).isEmpty)
        #expect(table.route(fromComponent: "j", topic: try Topic("$dead-letter/j")).streams == ["default"])
        #expect(table.route(fromComponent: "k", topic: try Topic("out/x")).isEmpty)
        #expect(table.reachesStreams(component: "i") && !table.reachesStreams(component: "k"))
    }

    @Test func theRouterAnswersForThingsAndComponentsApart() throws {
        let router = Router(logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let topic = try Topic("t")
        let group = revision([("thing:a", "t", "cloud", ""), ("component:a", "t", "thing:b", "")])
        for running in [RunningRevision(group), RunningRevision(group, number: 2)] {
            let table = router.table(of: running)
            #expect(router.table(of: running).isSame(as: table))
            for _ in 0..<2 {
                #expect(router.route(from: "a", topic: topic, by: table).streams == ["default"])
                #expect(router.route(fromComponent: "a", topic: topic, by: table).things == ["b"])
            }
        }
    }
}
