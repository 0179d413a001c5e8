import Testing

@testable import Components

/// Selectors in groups: who they stand for, and within which limits.
@Suite struct SelectorResolutionTests {
    private static func candidate(
        _ name: String, _ attributes: [String: String] = [:], type: String = "", group: String? = nil
    ) -> GroupDefinition.Candidate {
        .init(facts: ThingFacts(name: name, type: type, attributes: attributes), group: group)
    }

    private static func group(
        things: [String] = [], _ selectors: [String], _ routes: [(String, String)] = []
    ) throws -> GroupDefinition {
        GroupDefinition(
            name: "g", cores: ["c"], things: things,
            selectors: try selectors.map { try ThingSelector(parsing: $0) },
            subscriptions: try routes.map {
                Subscription(
                    from: try SubscriptionEnd(parsing: $0.0), topicFilter: "t",
                    to: try SubscriptionEnd(parsing: $0.1))
            })
    }

    private static let fleet = [
        candidate("a", ["hall": "press"], type: "s"), candidate("b", ["hall": "paint"], type: "s"),
        candidate("d", ["hall": "press"], type: "lamp"),
        candidate("e", ["hall": "press"], type: "s", group: "other"),
        candidate("f", ["hall": "press"], type: "s", group: "g"),
    ]

    @Test func aSelectorTakesWhatIsInNoOtherGroup() throws {
        let resolution = try Self.group(things: ["d"], ["type=s"]).resolvingSelectors(among: Self.fleet)
        #expect(resolution.problems.isEmpty)
        #expect(resolution.definition.things == ["d", "a", "b", "f"])
        #expect(resolution.definition.selectors.isEmpty)
        #expect(resolution.definition.written?.things == ["d"])
        #expect(resolution.definition.written?.selectors.map(\.description) == ["type=s"])
        #expect(resolution.warnings.count == 1)
        #expect(resolution.warnings[0].contains("e (other)"))
        #expect(resolution.definition.asWritten == (try Self.group(things: ["d"], ["type=s"])))
    }

    @Test func whatSelectsNothingIsSaid() throws {
        let resolution = try Self.group(
            things: ["a"], ["type=none"], [("thing:{hall=attic}", "cloud")]
        ).resolvingSelectors(among: Self.fleet)
        #expect(resolution.definition.things == ["a"] && resolution.definition.subscriptions.isEmpty)
        #expect(resolution.warnings.count == 2)
        #expect(resolution.warnings[0].contains("type=none") && resolution.warnings[1].contains("hall=attic"))
    }

    @Test func routesLeadToTheThingsOfTheGroupAndNotToThemselves() throws {
        let resolution = try Self.group(
            things: ["d"], ["type=s"],
            [
                ("thing:{type=s}", "cloud"), ("thing:{hall=press}", "thing:{hall=press}"),
                ("thing:a", "cloud"),
                ("cloud", "thing:{type=lamp}"),
            ]
        ).resolvingSelectors(among: Self.fleet)
        let routes = resolution.definition.subscriptions.map(\.description)
        #expect(
            routes == [
                "thing:a t → cloud", "thing:b t → cloud", "thing:f t → cloud",
                "thing:a t → thing:d", "thing:a t → thing:f", "thing:d t → thing:a", "thing:d t → thing:f",
                "thing:f t → thing:a", "thing:f t → thing:d", "cloud t → thing:d",
            ], "the route of thing:a is said once, and e is of another group")
        #expect(resolution.definition.validate().isEmpty)
        #expect(resolution.definition.asWritten.subscriptions.count == 4)
    }

    @Test func theLimitOfSubscriptionsHoldsAfterResolving() throws {
        let fleet = (0..<150).map { Self.candidate("t\($0)", type: "s") }
        let group = try Self.group(
            ["type=s"], [("thing:{type=s}", "cloud"), ("thing:{type=s}", "thing:{type=s}")])
        let problems = group.resolvingSelectors(among: fleet).problems
        #expect(problems.map(\.path) == ["subscriptions"])
        #expect(problems[0].message.contains("22650 subscriptions of these 2"))
        #expect(problems[0].message.contains("22500 of subscriptions[1] alone"))
        #expect(
            try Self.group(["type=s"], [("thing:{type=s}", "cloud")]).resolvingSelectors(among: fleet)
                .problems.isEmpty)
    }

    @Test func theLimitOfThingsHoldsAfterResolving() throws {
        let fleet = (0...GroupDefinition.Limits.things).map { Self.candidate("t\($0)", type: "s") }
        let problems = try Self.group(["type=s"]).resolvingSelectors(among: fleet).problems
        #expect(problems.map(\.path) == ["things"])
    }

    @Test func anotherMemberMakesAnotherDefinitionAndAnotherSpellingDoesNot() throws {
        let first = try Self.group(["type=s,hall=press"]).resolvingSelectors(among: Self.fleet).definition
        let same = try Self.group(["hall==press, type=s"]).resolvingSelectors(among: Self.fleet).definition
        #expect(first.isEquivalent(to: same))
        let more = Self.fleet + [Self.candidate("h", ["hall": "press"], type: "s")]
        let other = try Self.group(["type=s,hall=press"]).resolvingSelectors(among: more).definition
        #expect(!first.isEquivalent(to: other))
        #expect(
            GroupDifferences.between(first, other).map(\.description) == ["+ things h: by selector"])
    }

    @Test func aSelectorTwiceIsRefused() throws {
        let problems = try Self.group(["type=s", "type==s"]).validate()
        #expect(problems.map(\.path) == ["selectors[1]"])
    }
}
