import Testing

@testable import Components

@Suite struct GroupDifferencesTests {
    private static let base = GroupDefinition(
        name: "g", cores: ["c1"], things: ["a", "b"],
        components: [ComponentInstance(name: "smooth", version: try! VersionRange(parsing: "^1.0"))],
        subscriptions: [
            Subscription(from: .thing("a"), topicFilter: "x", to: .component("smooth")),
            Subscription(from: .component("smooth"), topicFilter: "#", to: .cloud),
        ],
        streams: ["bulk": StreamSettings(priority: 9)])

    private func lines(_ old: GroupDefinition?, _ new: GroupDefinition) -> [String] {
        GroupDifferences.between(old, new).map(\.description)
    }

    @Test func everyPartIsComparedByItself() {
        var new = Self.base
        new.cores = ["c1", "c2"]
        new.things = ["b", "d"]
        new.components[0].version = try! VersionRange(parsing: "^1.1")
        new.components.append(
            ComponentInstance(
                name: "limit-1", component: "limit", version: try! VersionRange(parsing: "2.0.0")))
        new.subscriptions[1].via = "bulk"
        new.subscriptions[0].topicFilter = "y"
        new.streams["bulk"]?.priority = 8
        new.streams["bulk"]?.maxRate = .kibibytes(64)
        new.streams["extra"] = StreamSettings()
        new.caRotation = .hours(12)
        #expect(
            lines(Self.base, new) == [
                "+ cores c2", "- things a", "+ things d",
                "+ components limit-1: component limit, version 2.0.0",
                "~ components smooth version: ^1.0 → ^1.1",
                "~ subscriptions component:smooth # → cloud via: default → bulk",
                "- subscriptions thing:a x → component:smooth",
                "+ subscriptions thing:a y → component:smooth",
                "~ streams bulk priority: 9 → 8", "~ streams bulk maxRate: none → 64KiB",
                "+ streams extra: maxSize 256MiB, onFull overwriteOldest, priority 5",
                "~ caRotation none → 12h",
            ])
        #expect(
            GroupDifferences.summary(GroupDifferences.between(Self.base, new))
                == "cores +1, things +1 -1, components +1 ~1, subscriptions +1 -1 ~1, streams +1 ~1, caRotation ~1"
        )
    }

    @Test func whatMeansTheSameDoesNotDiffer() {
        var new = Self.base
        new.things = ["b", "a", "a"]
        new.subscriptions = new.subscriptions.reversed()
        new.subscriptions[0].via = "default"
        new.components[0].version = try! VersionRange(parsing: ">=1.0.0 <2.0.0-0")
        new.streams["default"] = StreamSettings()
        #expect(lines(Self.base, new) == [])
        #expect(new.isEquivalent(to: Self.base))
        #expect(GroupDifferences.summary([]) == "nothing")
    }

    @Test func aNewGroupHasEverythingAndNoDefaultStream() {
        let all = lines(nil, Self.base)
        #expect(all.count == 7, "\(all)")
        #expect(all.allSatisfy { $0.hasPrefix("+ ") })
        #expect(all.contains("+ streams bulk: maxSize 256MiB, onFull overwriteOldest, priority 9"))
    }

    @Test func oneDifferenceIsItsOwnSummary() {
        var new = Self.base
        new.things = ["a", "b", "lamp"]
        #expect(GroupDifferences.summary(GroupDifferences.between(Self.base, new)) == "+ things lamp")
    }

    @Test func aRouteThatLeadsToOtherThingsDiffersWhereMembersStay() throws {
        let facts = ["a", "b"].map { GroupDefinition.Candidate(facts: ThingFacts(name: $0, type: "s")) }
        var written = GroupDefinition(name: "g", cores: ["c"], things: ["a", "b"])
        written.subscriptions = [
            Subscription(from: try SubscriptionEnd(parsing: "thing:{type=s}"), topicFilter: "x", to: .cloud)
        ]
        var changed = facts
        changed[1].facts.type = "lamp"
        let old = written.resolvingSelectors(among: facts).definition
        let new = written.resolvingSelectors(among: changed).definition
        #expect(lines(old, new) == ["- subscriptions thing:b x → cloud"])
    }
}
